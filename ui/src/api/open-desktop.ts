// SPDX-License-Identifier: Apache-2.0
// Opens desktops: as a file for a native client, or in another tab. Each call begins a session that waits for its client.
import { ask, urlOf } from './client.js';
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
 * Opens a desktop in another tab, by a link that is good once.
 * @param replace takes it over from who has it
 * @returns false: the browser does not let the page open a tab
 * @throws ApiFault
 */
export async function openInBrowser(console: Which, replace: boolean): Promise<boolean> {
  // Before the request: afterwards it is no answer to the click any more.
  const tab = window.open('about:blank', '_blank');
  if (tab === null) return false;
  try {
    const href = linkOf(await opened(console, replace), 'console_browser');
    tab.opener = null;
    tab.location.replace(href);
    return true;
  } catch (error) {
    tab.close();
    throw error;
  }
}

/** The path of a file that can be had once. */
async function fileOf(which: Which, replace: boolean): Promise<string> {
  const console = await opened(which, replace);
  const key = new URL(linkOf(console, 'console_file')).searchParams.get('key') ?? '';
  return `v1/sessions/${encodeURIComponent(console.session_id)}/console.vv?${new URLSearchParams({ key }).toString()}`;
}

type Opened = Schemas['V1Opened']['console'];

async function opened({ source, instance_uuid }: Which, replace: boolean): Promise<Opened> {
  const body = { source, instance_uuid, ...(replace ? { replace } : {}) };
  return (await ask<Schemas['V1Opened']>('v1/consoles', { method: 'POST', body })).console;
}

function linkOf({ links }: Opened, rel: string): string {
  const link = links.find((one) => one.rel === rel);
  if (link === undefined) throw new Error(`the answer has no link ${rel}`);
  return link.href;
}
