// SPDX-License-Identifier: Apache-2.0
// VNC, by noVNC. The console token goes in a subprotocol: it stands in no URL.
import RFB from '@novnc/novnc';
import type { Desktop, DesktopEvents } from './desktop.js';
import type { Key } from './keys.js';
import { socketUrl } from './place.js';

/** Starts the client. */
export function startVnc(screen: HTMLElement, password: string, events: DesktopEvents): Promise<Desktop> {
  const rfb = new RFB(screen, socketUrl(), {
    shared: true,
    wsProtocols: ['binary', `kerbside.token.${password}`],
  });
  rfb.background = 'transparent';
  rfb.scaleViewport = true;
  let over = false;
  rfb.addEventListener('connect', () => {
    events.connected();
    events.agent();
  });
  rfb.addEventListener('disconnect', () => {
    if (over) return;
    over = true;
    events.ended();
  });
  rfb.addEventListener('clipboard', (event) => {
    const { text } = (event as CustomEvent<{ text: string }>).detail;
    events.copied(text);
  });
  return Promise.resolve({
    takesClipboard: true,
    hasSound: false,
    press: (keys: readonly Key[]) => {
      for (const { keysym } of keys) rfb.sendKey(keysym, null, true);
      for (const { keysym } of keys.toReversed()) rfb.sendKey(keysym, null, false);
    },
    paste: (text) => rfb.clipboardPasteFrom(text),
    scale: (fit) => {
      rfb.scaleViewport = fit;
    },
    resizeGuest: (on) => {
      rfb.resizeSession = on;
    },
    mute: () => undefined,
    focus: () => rfb.focus(),
    close: () => {
      over = true;
      rfb.disconnect();
    },
  });
}
