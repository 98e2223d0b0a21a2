// SPDX-License-Identifier: Apache-2.0
// What the page needs of a client, whichever protocol it speaks.
import type { Key } from './keys.js';

/** What a client tells the page. */
export interface DesktopEvents {
  /** The picture is there, or about to be. */
  connected(): void;
  /** The connection is over, or never came up. Called once. */
  ended(): void;
  /** The guest has copied text. */
  copied(text: string): void;
  /** An agent in the guest takes a size for its screen. */
  agent(): void;
}

/** A client on its way, or connected. */
export interface Desktop {
  /** Whether text can be put into the guest's clipboard. */
  readonly takesClipboard: boolean;
  /** Whether the guest may be heard. */
  readonly hasSound: boolean;
  /** Presses the keys in their order, and releases them in the other one. */
  press(keys: readonly Key[]): void;
  /** Puts text into the guest's clipboard. */
  paste(text: string): void;
  /** Whether the picture fits into the window, or has its own size. */
  scale(fit: boolean): void;
  /** Whether the guest is asked to have the size of the window. */
  resizeGuest(on: boolean): void;
  mute(silent: boolean): void;
  /** The keyboard is the desktop's from now on. */
  focus(): void;
  /** Ends it; nothing is told any more. */
  close(): void;
}

/** Starts a client. */
export type StartDesktop = (screen: HTMLElement, password: string, events: DesktopEvents) => Promise<Desktop>;
