// SPDX-License-Identifier: Apache-2.0
// The script that the page of the browser's client starts with. The client itself says nothing when its desktop does
// not open or ends, or asks for a password that nobody has: this watches its WebSockets, asks the service what happened,
// and says it on the page.

/** Where the script is. */
export const SCRIPT_PATH = '/kerbside-ended.js';
/** Where it asks; {@link Pages} answers. */
export const ENDED_PATH = '/kerbside-ended';

/** What the script uses of a browser's window. */
export interface BrowserWindow {
  WebSocket: new (url: string | URL, protocols?: string | string[]) => BrowserSocket;
  prompt: (question?: string) => string | null;
  fetch(path: string, init: object): Promise<{ readonly ok: boolean; json(): Promise<unknown> }>;
  addEventListener(name: 'pagehide', listener: () => void): void;
  readonly location: { readonly search: string; reload(): void };
  readonly document: {
    createElement(name: string): BrowserElement;
    readonly body: BrowserElement;
  };
}

/** What the script uses of a WebSocket. */
export interface BrowserSocket {
  addEventListener(name: 'close', listener: () => void): void;
}

/** What the script uses of an element. */
export interface BrowserElement {
  id: string;
  textContent: string | null;
  onclick: (() => void) | null;
  readonly style: { cssText: string };
  append(...children: BrowserElement[]): void;
  focus(): void;
  setAttribute(name: string, value: string): void;
}

/**
 * Runs in the browser, as its text: it must not use anything of this module.
 *
 * @param endedPath where to ask, relative to the page
 */
export function watchDesktop(window: BrowserWindow, endedPath: string): void {
  const { document, location } = window;
  const password = new URLSearchParams(location.search).get('password') ?? '';
  const Native = window.WebSocket;
  const fallback = {
    title: 'The connection to the console service was lost',
    advice: 'Load this page again in a moment.',
    ended_at: null,
  };
  let sockets = 0;
  let over = false;

  const element = (name: string, text: string, css: string): BrowserElement => {
    const made = document.createElement(name);
    made.textContent = text;
    made.style.cssText = css;
    return made;
  };
  const show = (what: { title: string; advice: string; ended_at: number | null }): void => {
    const shade = element(
      'div',
      '',
      'position:fixed;inset:0;z-index:9999;display:flex;align-items:center;justify-content:center;' +
        'padding:1rem;background:rgba(0,0,0,.6);font:16px/1.5 sans-serif;color-scheme:light dark',
    );
    shade.id = 'kerbside-ended';
    shade.setAttribute('role', 'alertdialog');
    shade.setAttribute('aria-label', what.title);
    const box = element(
      'div',
      '',
      'max-width:32rem;padding:1.5rem;border-radius:.5rem;background:Canvas;color:CanvasText;text-align:left',
    );
    const button = element('button', 'Load again', 'all:revert;font:inherit;padding:.4rem 1rem');
    button.onclick = () => location.reload();
    box.append(element('h1', what.title, 'margin:0 0 .5rem;font-size:1.25rem;color:inherit'));
    box.append(element('p', what.advice, 'margin:0 0 1rem;color:inherit'));
    if (what.ended_at !== null) {
      const at = new Date(what.ended_at * 1000).toLocaleString();
      box.append(element('p', `Ended: ${at}`, 'margin:0 0 1rem;color:inherit;opacity:.8'));
    }
    box.append(button);
    shade.append(box);
    document.body.append(shade);
    button.focus();
  };
  const ask = async (): Promise<void> => {
    try {
      const headers = { Authorization: `Bearer ${password}` };
      const answer = await window.fetch(endedPath, { cache: 'no-store', credentials: 'omit', headers });
      show(answer.ok ? ((await answer.json()) as typeof fallback) : fallback);
    } catch {
      show(fallback);
    }
  };
  const end = (): void => {
    if (over) return;
    over = true;
    void ask();
  };

  window.WebSocket = class extends Native {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      sockets += 1;
      // The first is the main channel's: with it ends the desktop.
      if (sockets === 1) this.addEventListener('close', end);
    }
  };
  // The client asks for another password when the token is refused. Nobody has one.
  window.prompt = () => {
    end();
    throw new Error('the console token was refused');
  };
  // Not when the page is left: its sockets close then, too.
  window.addEventListener('pagehide', () => (over = true));
}

/** The script's text. */
export function pageScript(): string {
  const call = `(${watchDesktop.toString()})(window, ${JSON.stringify(ENDED_PATH.slice(1))});`;
  return `// SPDX-License-Identifier: Apache-2.0\n${call}\n`;
}

/** A page of the client with the script before everything else. */
export function withPageScript(html: string): string {
  const [start = ''] = /^[\s\S]*?<head(?:\s[^>]*)?>|^\s*<!doctype[^>]*>|^/i.exec(html) ?? [];
  return `${start}<script src="${SCRIPT_PATH.slice(1)}"></script>${html.slice(start.length)}`;
}
