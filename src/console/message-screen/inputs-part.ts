// SPDX-License-Identifier: Apache-2.0
// The inputs channel of a message screen: what is typed goes nowhere, but that a key was pressed is told.
import type { ClientMessage } from '../spice/client-messages.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';
import { inputsInit } from '../spice/screen-messages.js';
import type { ScreenChannel, ScreenPart } from './screen-channel.js';

const { KEY_DOWN, KEY_SCANCODE } = CLIENT_MESSAGE.inputs;

/** Keys of this time after the start were typed before there was something to read. */
const DEAF_MS = 1000;
/** The same where somebody was at work when the screen came. */
const DEAF_AT_WORK_MS = 2000;
/** Each key is told to all nodes: not one for each that somebody types. */
const KEY_PAUSE_MS = 500;
/** Scan codes of a message: a few keys. */
const MAX_CODE_BYTES = 2048;
/** Set 1 scan codes of shift, control, alt and caps lock: parts of the viewer's own shortcuts. */
const MODIFIERS: ReadonlySet<number> = new Set([0x2a, 0x36, 0x1d, 0x38, 0x3a]);
/** Prefix of the second set of keys, and the Windows keys behind it. */
const EXTENDED = 0xe0;
const WINDOWS_KEYS: ReadonlySet<number> = new Set([0x5b, 0x5c]);
/** Set in the code of a key that is let go. */
const RELEASED = 0x80;

/** The inputs channel. */
export class InputsPart implements ScreenPart {
  readonly keep = { types: new Set<number>([KEY_DOWN, KEY_SCANCODE]), maxBytes: MAX_CODE_BYTES };
  private listening = false;

  /**
   * @param pressed called when keys are pressed, whichever they are
   * @param tookOver the client has the channel already
   */
  constructor(
    private readonly channel: ScreenChannel,
    private readonly pressed: () => void,
    private readonly tookOver: boolean,
  ) {}

  start(): void {
    if (!this.tookOver) void this.channel.send(SERVER_MESSAGE.inputs.INIT, inputsInit());
    this.deafFor(this.tookOver ? DEAF_AT_WORK_MS : DEAF_MS);
  }

  message({ type, body }: ClientMessage): void {
    if (!this.listening || (type !== KEY_DOWN && type !== KEY_SCANCODE)) return;
    if (!isKey(body)) return;
    this.pressed();
    this.deafFor(KEY_PAUSE_MS);
  }

  private deafFor(milliseconds: number): void {
    this.listening = false;
    this.channel.after(milliseconds, () => (this.listening = true));
  }
}

/** Whether the codes press a key that is no modifier. */
function isKey(codes: Buffer): boolean {
  let extended = false;
  for (const code of codes) {
    if (code === EXTENDED) {
      extended = true;
      continue;
    }
    const modifier = MODIFIERS.has(code) || (extended && WINDOWS_KEYS.has(code));
    if (code !== 0 && (code & RELEASED) === 0 && !modifier) return true;
    extended = false;
  }
  return false;
}
