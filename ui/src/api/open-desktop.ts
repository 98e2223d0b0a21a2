// SPDX-License-Identifier: Apache-2.0
// Opens desktops: as a file for a native client, or in another tab. Each call begins a session that waits for its client.
import { ask, askText, urlOf } from './client.js';
import type { Schemas } from './types.js';

interface Which {
  readonly source: string;
  readonly instance_uuid: string;
}

/** Downloads the .vv file of a desktop. @param replace takes it over from who has it @throws ApiFault */
export async function openDesktop(console: Which, replace: boolean): Promise<void> {
  const link = document.createElement('a');
  link.href = urlOf(await fileOf(console, replace));
  link.download = '';
  link.click();
}

/**
 * Opens a desktop in another tab.
 * @param base where kerbside-html5proxy is
 * @param replace takes it over from who has it
 * @returns false: the browser does not let the page open a tab
 * @throws ApiFault
 */
export async function openInBrowser(console: Which, base: string, replace: boolean): Promise<boolean> {
  // Before the request: afterwards it is no answer to the click any more.
  const tab = window.open('about:blank', '_blank');
  if (tab === null) return false;
  try {
    const password = /^password=(.*)$/m.exec(await askText(await fileOf(console, replace)))?.[1] ?? '';
    tab.opener = null;
    tab.location.replace(`${base}/spice_auto.html?${new URLSearchParams({ token: password }).toString()}`);
    return true;
  } catch (error) {
    tab.close();
    throw error;
  }
}

/** The path of a file that can be had once. */
async function fileOf({ source, instance_uuid }: Which, replace: boolean): Promise<string> {
  const { console } = await ask<Schemas['V1Opened']>('v1/consoles', {
    method: 'POST',
    body: { source, instance_uuid, ...(replace ? { replace } : {}) },
  });
  const href = console.links.find(({ rel }) => rel === 'console_file')?.href ?? '';
  const key = new URL(href).searchParams.get('key') ?? '';
  return `v1/sessions/${encodeURIComponent(console.session_id)}/console.vv?${new URLSearchParams({ key }).toString()}`;
}
