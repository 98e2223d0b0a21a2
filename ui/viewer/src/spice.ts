// SPDX-License-Identifier: Apache-2.0
// SPICE, by the modules of spice-html5 as they lie on the server: it is not built in. What it does not say itself, that the
// connection is over, its main channel's WebSocket does.
import type { Desktop, DesktopEvents } from './desktop.js';
import type { Key } from './keys.js';
import { placeOf, socketUrl } from './place.js';

/** What the page uses of spice-html5's main channel. */
interface MainConnection {
  readonly ws: WebSocket;
  readonly inputs?: { readonly state: string; send_msg(message: object): void };
  stop(): void;
  resize_window(flags: number, width: number, height: number, depth: number, x: number, y: number): void;
}

interface Client {
  readonly SpiceMainConn: new (options: object) => MainConnection;
}

/** spicemsg.js and enums.js. */
interface Messages {
  readonly SpiceMiniData: new () => { build_msg(type: number, message: object): void };
  readonly SpiceMsgcKeyDown: new () => { code: number };
  readonly SpiceMsgcKeyUp: new () => { code: number };
}
interface Enums {
  readonly Constants: {
    readonly SPICE_MSGC_INPUTS_KEY_DOWN: number;
    readonly SPICE_MSGC_INPUTS_KEY_UP: number;
  };
}

/** Set in the last byte of the code of a key that goes up. */
const RELEASED = 0x80;
/** Xorg wants widths and heights of whole blocks. */
const BLOCK = 8;
/** Milliseconds for which the window has had its size before the guest is asked to follow. */
const SETTLED_MS = 300;

/** Starts the client. @throws when its modules cannot be loaded */
export async function startSpice(
  screen: HTMLElement,
  password: string,
  events: DesktopEvents,
): Promise<Desktop> {
  const [client, messages, { Constants }] = (await Promise.all(
    ['main.js', 'spicemsg.js', 'enums.js'].map((name) => import(/* @vite-ignore */ placeOf(name))),
  )) as [Client, Messages, Enums];
  const surface = document.createElement('div');
  surface.id = 'spice-screen';
  surface.className = 'spice-screen';
  screen.replaceChildren(surface);
  const size = new ScreenSize(screen, surface);
  let over = false;
  let silent = false;
  let agent = false;
  const end = (): void => {
    if (over) return;
    over = true;
    size.close();
    events.ended();
  };
  const main = new client.SpiceMainConn({
    ...{ uri: socketUrl(), screen_id: surface.id, password, onerror: end },
    onsuccess: () => events.connected(),
    onagent: () => {
      agent = true;
      events.agent();
      size.follow();
    },
  });
  main.ws.addEventListener('close', end);
  const watch = new MutationObserver(() => settle(surface, silent));
  watch.observe(surface, { childList: true, subtree: true, attributeFilter: ['style'] });
  size.ask = (width, height) => {
    if (agent && !over) main.resize_window(0, width, height, 32, 0, 0);
  };
  const send = (type: number, message: { code: number }, code: number): void => {
    if (main.inputs?.state !== 'ready') return;
    message.code = code;
    const data = new messages.SpiceMiniData();
    data.build_msg(type, message);
    main.inputs.send_msg(data);
  };
  return {
    takesClipboard: false,
    hasSound: true,
    press: (keys: readonly Key[]) => {
      for (const { scan } of keys)
        send(Constants.SPICE_MSGC_INPUTS_KEY_DOWN, new messages.SpiceMsgcKeyDown(), scan);
      for (const { scan } of keys.toReversed())
        send(Constants.SPICE_MSGC_INPUTS_KEY_UP, new messages.SpiceMsgcKeyUp(), released(scan));
    },
    paste: () => undefined,
    scale: (fit) => size.scale(fit),
    resizeGuest: (on) => size.resize(on),
    mute: (now) => {
      silent = now;
      settle(surface, silent);
    },
    focus: () => surface.querySelector('canvas')?.focus(),
    close: () => {
      over = true;
      size.close();
      watch.disconnect();
      main.stop();
    },
  };
}

function released(scan: number): number {
  return scan > 0xff ? scan | (RELEASED << 8) : scan | RELEASED;
}

/** Sound as the user wants it; and the place of videos, which is set in a way that the page's policy does not let through. */
function settle(surface: HTMLElement, silent: boolean): void {
  for (const media of surface.querySelectorAll<HTMLMediaElement>('audio, video')) media.muted = silent;
  for (const video of surface.querySelectorAll('video')) {
    const wanted = video.getAttribute('style') ?? '';
    if (wanted !== '' && video.style.position === '') video.style.cssText = wanted;
  }
}

/** The size of the picture in the window. */
class ScreenSize {
  ask: (width: number, height: number) => void = () => undefined;
  private fit = true;
  private guest = false;
  private timer: number | undefined;
  private readonly observer = new ResizeObserver(() => this.changed());

  constructor(
    private readonly screen: HTMLElement,
    private readonly surface: HTMLElement,
  ) {
    this.observer.observe(screen);
    this.observer.observe(surface);
  }

  scale(fit: boolean): void {
    this.fit = fit;
    this.apply();
  }

  resize(on: boolean): void {
    this.guest = on;
    this.changed();
  }

  /** The guest can follow from now on. */
  follow(): void {
    this.changed();
  }

  close(): void {
    this.observer.disconnect();
    window.clearTimeout(this.timer);
  }

  private changed(): void {
    this.apply();
    window.clearTimeout(this.timer);
    if (!this.guest) return;
    this.timer = window.setTimeout(() => {
      const { clientWidth, clientHeight } = this.screen;
      this.ask(clientWidth - (clientWidth % BLOCK), clientHeight - (clientHeight % BLOCK));
    }, SETTLED_MS);
  }

  // A transformation, not another size: the client takes the mouse's place in the pixels of the guest.
  private apply(): void {
    const canvas = this.surface.querySelector('canvas');
    if (canvas === null) return;
    const { clientWidth, clientHeight } = this.screen;
    const factor = this.fit ? Math.min(1, clientWidth / canvas.width, clientHeight / canvas.height) : 1;
    this.surface.style.width = `${String(canvas.width)}px`;
    this.surface.style.transform = factor === 1 ? '' : `scale(${String(factor)})`;
    this.surface.classList.toggle('scaled', factor !== 1);
  }
}
