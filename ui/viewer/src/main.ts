// SPDX-License-Identifier: Apache-2.0
// The page of a desktop in the browser: brings up its client, says how the connection is, and brings it back where it can be.
import './viewer.css';
import type { Desktop, StartDesktop } from './desktop.js';
import { askWhy, isPassing } from './ended.js';
import { Frame } from './frame.js';
import { downloadFile } from './native.js';
import { readSession, type Session } from './session.js';
import { startSpice } from './spice.js';
import { wordsFor, type Say } from './strings.js';

/** Milliseconds after which a desktop that is not there yet is spoken of, and explained. */
const STILL_MS = 3000;
const LATE_MS = 9000;
/** Milliseconds between two tries to bring a lost desktop back. */
const RETRY_MS = 2000;

const clients: Readonly<Record<Session['protocol'], () => Promise<StartDesktop>>> = {
  spice: () => Promise.resolve(startSpice),
  vnc: async () => (await import('./vnc.js')).startVnc,
};

/** The desktop of the page. */
class Viewer {
  private readonly frame: Frame;
  private desktop: Desktop | null = null;
  private timers: number[] = [];
  /** Milliseconds of the page until which a lost desktop is brought back without a question. */
  private retryUntil = 0;
  private leaving = false;

  constructor(
    root: HTMLElement,
    private readonly session: Session,
    private readonly say: Say,
  ) {
    const { title, native, password } = session;
    this.frame = new Frame(root, {
      ...{ say, title, native: native !== null && password !== null },
      again: () => this.connect('connecting'),
      openNative: () => this.openNative(),
    });
    // Its connections end with the page: nobody is there to be told.
    window.addEventListener('pagehide', () => (this.leaving = true));
  }

  start(): void {
    const { password, absent } = this.session;
    if (password !== null) {
      this.connect('connecting');
      return;
    }
    this.frame.tell('bad', this.say('wasEnded'));
    this.frame.show({ ...absent, act: 'none' });
  }

  private connect(status: 'connecting' | 'retrying'): void {
    const { say, frame, session } = this;
    const { password, protocol } = session;
    if (password === null) return;
    this.drop();
    frame.show(null);
    frame.tell('waiting', say(status));
    this.after(STILL_MS, () => frame.tell('waiting', say('still')));
    this.after(LATE_MS, () => frame.show({ title: say('late'), advice: say('lateAdvice'), act: 'load' }));
    let over = false;
    const events = {
      connected: () => this.connected(),
      ended: () => {
        if (over || this.leaving) return;
        over = true;
        void this.ended(password);
      },
      copied: (text: string) => frame.copied(text),
      agent: () => frame.agent(),
    };
    clients[protocol]()
      .then((begin) => begin(frame.screen, password, events))
      .then(
        (desktop) => {
          if (over) desktop.close();
          else this.desktop = desktop;
        },
        () => {
          this.drop();
          frame.tell('bad', say('wasEnded'));
          frame.show({ title: say('noClient'), advice: say('noClientAdvice'), act: 'load' });
        },
      );
  }

  private connected(): void {
    this.stopTimers();
    this.frame.show(null);
    this.frame.tell('good', this.say('connected'));
    this.retryUntil = Number.POSITIVE_INFINITY;
    // The client that tells this may not have been handed over yet.
    queueMicrotask(() => {
      this.frame.use(this.desktop);
      this.desktop?.focus();
    });
  }

  private async ended(password: string): Promise<void> {
    const { frame, say } = this;
    this.drop();
    frame.tell('bad', say('wasEnded'));
    const why = await askWhy(password, say);
    const now = performance.now();
    if (this.retryUntil === Number.POSITIVE_INFINITY) this.retryUntil = now + this.session.grace * 1000;
    if (isPassing(why) && now < this.retryUntil) {
      frame.tell('waiting', say('retrying'));
      this.after(RETRY_MS, () => this.connect('retrying'));
      return;
    }
    frame.show({ ...why, act: 'again' });
  }

  private openNative(): void {
    const { native, password, title, grace } = this.session;
    if (native === null || password === null) return;
    this.drop();
    this.frame.tell('bad', this.say('wasEnded'));
    const advice = this.say('nativeAdvice', { seconds: String(grace) });
    this.frame.show({ title: this.say('nativeTitle'), advice, act: 'again' });
    downloadFile(native, password, title);
  }

  /** Ends what there is. */
  private drop(): void {
    this.stopTimers();
    this.frame.use(null);
    this.desktop?.close();
    this.desktop = null;
  }

  private after(milliseconds: number, act: () => void): void {
    this.timers.push(window.setTimeout(act, milliseconds));
  }

  private stopTimers(): void {
    for (const timer of this.timers.splice(0)) window.clearTimeout(timer);
  }
}

const root = document.getElementById('viewer');
if (root !== null) {
  const { lang, say } = wordsFor(navigator.languages);
  document.documentElement.lang = lang;
  new Viewer(root, readSession(), say).start();
}
