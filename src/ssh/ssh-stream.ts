// SPDX-License-Identifier: Apache-2.0
// A channel of an ssh connection as a usual stream: the one of ssh2 never says that it was destroyed, or by what.
import { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';

/** Bytes that wait on either side. */
const HIGH_WATER_MARK = 65_536;

/** A stream through a channel. */
export class SshStream extends Duplex {
  private readonly onDrain = (): void => this.go();
  private waiting: (() => void) | null = null;

  constructor(private readonly channel: ClientChannel) {
    super({ highWaterMark: HIGH_WATER_MARK, allowHalfOpen: false });
    channel.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause();
    });
    channel.on('end', () => this.push(null));
    channel.on('drain', this.onDrain);
    channel.on('error', (error: Error) => this.destroy(error));
    channel.on('close', () => this.lost());
    channel.pause();
  }

  /** Closes once what was written has gone out. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _read(): void {
    this.channel.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.channel.write(chunk)) done();
    else this.waiting = done;
  }

  override _final(done: () => void): void {
    this.channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.waiting = null;
    this.channel.removeListener('drain', this.onDrain);
    this.channel.destroy();
    done(error);
  }

  private go(): void {
    const { waiting } = this;
    this.waiting = null;
    waiting?.();
  }

  /** The channel is closed: by the other end, or because the connection below it is gone. */
  private lost(): void {
    if (this.destroyed) return;
    if (this.readableEnded) this.destroy();
    else if (!this.push(null)) this.once('end', () => this.destroy());
  }
}
