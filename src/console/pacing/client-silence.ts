// SPDX-License-Identifier: Apache-2.0
// For how long a client has acknowledged nothing of what is on its way to it, and whether that is too long.

/** A client that acknowledges nothing for so long, in milliseconds, from the start on, is not paced; ... */
const NO_ACK_MS = 5000;
/** ... and one that has stopped to, although it has taken everything, is not until it answers again. */
const STOPPED_MS = 15_000;

/** Watches the client of one channel while it is paced. */
export class ClientSilence {
  private heard = false;
  private since: number | null = null;

  /** The client has acknowledged a message. */
  acknowledged(): void {
    this.heard = true;
    this.since = null;
  }

  /** The client has answered a SET_ACK. */
  synced(): void {
    this.since = null;
  }

  /** Takes a look. @param waits messages are on their way @param now monotonic ms */
  look(waits: boolean, now: number): void {
    if (waits) this.since ??= now;
    else this.since = null;
  }

  /** Whether the client has never acknowledged anything, for too long: it does not know how to. */
  isMute(now: number): boolean {
    return !this.heard && this.length(now) > NO_ACK_MS;
  }

  /** Whether it has been silent for too long. */
  isTooLong(now: number): boolean {
    return this.length(now) > (this.heard ? STOPPED_MS : NO_ACK_MS);
  }

  private length(now: number): number {
    return this.since === null ? 0 : now - this.since;
  }
}
