// SPDX-License-Identifier: Apache-2.0
// The display channel of a message screen: one surface with the picture on it, drawn anew when the client's window has
// another size.
import { setImmediate } from 'node:timers/promises';
import type { ScreenEvent } from '../ipc.js';
import { encodeLz } from '../spice/lz-image.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';
import {
  drawCopy,
  monitorsConfig,
  surfaceCreate,
  surfaceDestroy,
  type Size,
} from '../spice/screen-messages.js';
import { drawInSteps, pictureSize, USUAL_SIZE, type ScreenText } from './picture.js';
import type { ScreenChannel, ScreenPart } from './screen-channel.js';

const SENT = SERVER_MESSAGE.display;
const NOTHING = Buffer.alloc(0);

/** Rows that are encoded between two turns of the loop: other channels of the worker wait that long. */
const ROWS_AT_ONCE = 16;
/** Sizes that one screen is drawn in, at most. */
const MAX_SIZES = 20;

/** The display channel. */
export class DisplayPart implements ScreenPart {
  readonly keep = { types: new Set<number>(), maxBytes: 0 };
  private shown: Size | null = null;
  private wanted: Size = USUAL_SIZE;
  private pictures = 0;
  private drawing = false;

  /** @param tookOver the client shows a desktop, which goes */
  constructor(
    private readonly channel: ScreenChannel,
    private readonly text: ScreenText,
    private readonly tookOver: boolean,
  ) {}

  start(): void {
    if (this.tookOver) {
      void this.channel.send(SENT.STREAM_DESTROY_ALL, NOTHING);
      void this.channel.send(SENT.SURFACE_DESTROY, surfaceDestroy());
    }
    this.draw();
  }

  // Nothing that a client says on this channel changes the picture.
  message(): void {
    return;
  }

  event(event: ScreenEvent): void {
    if (event.kind !== 'size') return;
    this.wanted = pictureSize(event);
    this.draw();
  }

  private draw(): void {
    if (this.drawing) return;
    this.drawing = true;
    this.drawWanted().then(
      () => (this.drawing = false),
      () => this.channel.end('failed'),
    );
  }

  /** One picture at a time, so that a client that does not read holds no more than one. */
  private async drawWanted(): Promise<void> {
    const { channel } = this;
    while (!channel.over && !isSame(this.shown, this.wanted) && this.pictures < MAX_SIZES) {
      const size = this.wanted;
      const data = await encodedPicture(this.text, size);
      this.pictures += 1;
      if (this.shown !== null) await channel.send(SENT.SURFACE_DESTROY, surfaceDestroy());
      await channel.send(SENT.SURFACE_CREATE, surfaceCreate(size));
      await channel.send(SENT.MONITORS_CONFIG, monitorsConfig(size));
      await channel.send(SENT.DRAW_COPY, drawCopy(BigInt(this.pictures), size, data));
      await channel.send(SENT.MARK, NOTHING);
      this.shown = size;
    }
  }
}

/** The picture as it is sent; the loop has a turn after each step. */
async function encodedPicture(text: ScreenText, size: Size): Promise<Buffer> {
  return inTurns(encodeLz(await inTurns(drawInSteps(text, size)), ROWS_AT_ONCE));
}

async function inTurns<T>(work: Generator<undefined, T>): Promise<T> {
  for (;;) {
    await setImmediate();
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

function isSame(one: Size | null, other: Size): boolean {
  return one?.width === other.width && one.height === other.height;
}
