// SPDX-License-Identifier: Apache-2.0
// Consoles that open in the browser: which kind of console can be had which way, and the link to its page.
import type { ConsoleProtocol } from '../objects/console-protocol.js';
import { Conflicting } from './faults.js';
import { BROWSER_SINCE } from './views/v1/console.js';

/** The console that a link leads to. `key` is a secret. */
export interface BrowserSession {
  readonly protocol: ConsoleProtocol;
  readonly name: string | null;
  readonly sessionId: string;
  readonly key: string;
}

/** How a console is asked for. */
export interface AskedKind {
  readonly type: string | undefined;
  readonly minor: number;
  /** As a .vv file. */
  readonly file: boolean;
}

/** Why no .vv file is made of a VNC console. */
const NO_FILE =
  'this console speaks VNC, and opens in the browser only: take the link console_browser of POST /v1/consoles';

/** Refuses to make a file for a console that no native client opens through Kerbside. @throws Conflicting */
export function demandSpice(protocol: ConsoleProtocol): void {
  if (protocol === 'vnc') throw new Conflicting(NO_FILE);
}

/** Refuses a kind of console that it is not. @throws Conflicting */
export function demandKind(protocol: ConsoleProtocol, { type, minor, file }: AskedKind): void {
  if (file) demandSpice(protocol);
  if (protocol === 'vnc' && minor < BROWSER_SINCE)
    throw new Conflicting(`this console speaks VNC; ask with version 1.${String(BROWSER_SINCE)} or later`);
  if (type === undefined || (type === 'novnc') === (protocol === 'vnc')) return;
  throw new Conflicting(
    protocol === 'vnc'
      ? 'type: this console speaks VNC; ask for novnc, or leave it out'
      : 'type: this console speaks SPICE; ask for spice-direct or spice-html5, or leave it out',
  );
}

/** The link to the page, good once; null: the site has no pages. @param base [html5proxy] public_url */
export function browserPage(base: string | null, session: BrowserSession): string | null {
  if (base === null) return null;
  const page = session.protocol === 'vnc' ? 'vnc_lite.html' : 'spice_auto.html';
  const query = new URLSearchParams({
    session: session.sessionId,
    key: session.key,
    ...(session.name === null ? {} : { title: session.name }),
  });
  return `${base}/${page}?${query.toString()}`;
}
