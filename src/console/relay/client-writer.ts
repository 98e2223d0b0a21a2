// SPDX-License-Identifier: Apache-2.0
// Writes to a TLS client by the record rule: every write ends in a TLS record that completes one message at most.
// spice-gtk waits on its socket and never asks OpenSSL for what is left, so a message that shares the last record with
// the one before it would lie unread until more bytes come. Node joins writes that wait behind each other in one stream,
// so no more than the two parts of one chunk are handed over at a time; what comes meanwhile waits here.
import type { Writable } from 'node:stream';
import type { ChunkLife } from '../backend/leg.js';
import type { Sink } from './sink.js';

/**
 * `idle`: the socket has taken everything. `writing`: the parts of one chunk are with the socket. `behind`: more waits
 * for them. `ended`: nothing more goes out.
 */
export type WriterState = 'idle' | 'writing' | 'behind' | 'ended';

interface Chunk {
  readonly bytes: Buffer;
  readonly cut: number;
}

/** The client's end of the down direction. */
export class ClientWriter implements Sink {
  drained: () => void = () => undefined;
  private current: WriterState = 'idle';
  /** Writes of the chunk that is with the socket whose end has not been told: two at most. */
  private outstanding = 0;
  private waiting: Chunk[] | null = null;
  /** Whether the client was ever sent something. */
  hasWritten = false;
  private readonly onWritten = (): void => this.written();

  /** @param takesBytesAtOnce whether write() has taken the bytes when it returns, as TLS has */
  constructor(
    private readonly client: Writable,
    private readonly takesBytesAtOnce = true,
  ) {}

  /** What the writer is at. */
  get state(): WriterState {
    return this.current;
  }

  get busy(): boolean {
    return this.outstanding > 0;
  }

  write(bytes: Buffer, cut: number, life: ChunkLife): boolean {
    switch (this.current) {
      case 'idle':
        if (life !== 'until_return') this.hand(bytes, cut, false);
        else if (this.takesBytesAtOnce) this.hand(bytes, cut, true);
        else this.hand(Buffer.from(bytes), cut, false);
        return true;
      case 'writing':
      case 'behind':
        this.waiting ??= [];
        this.waiting.push({ bytes: life === 'until_return' ? Buffer.from(bytes) : bytes, cut });
        this.current = 'behind';
        return false;
      case 'ended':
        return false;
    }
  }

  /** Hands over what still waits; takes nothing more. */
  end(): void {
    if (this.current === 'behind' && this.waiting !== null)
      for (const { bytes } of this.waiting) this.client.write(bytes);
    this.waiting = null;
    this.current = 'ended';
  }

  private hand(bytes: Buffer, cut: number, copyTail: boolean): void {
    this.current = 'writing';
    this.hasWritten = true;
    if (cut === 0) {
      this.outstanding = 1;
      this.client.write(bytes, this.onWritten);
      return;
    }
    this.outstanding = 2;
    this.client.write(bytes.subarray(0, cut), this.onWritten);
    // The tail waits inside the stream for the first part's end: a shared buffer is long reused by then.
    const tail = bytes.subarray(cut);
    this.client.write(copyTail ? Buffer.from(tail) : tail, this.onWritten);
  }

  private written(): void {
    this.outstanding -= 1;
    if (this.outstanding > 0 || this.current === 'ended') return;
    const next = this.waiting?.shift();
    if (next === undefined) {
      this.current = 'idle';
      this.drained();
      return;
    }
    this.hand(next.bytes, next.cut, false);
    if (this.waiting !== null && this.waiting.length > 0) this.current = 'behind';
  }
}
