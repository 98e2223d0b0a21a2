// SPDX-License-Identifier: Apache-2.0
// Until when a channel that is not to be paced any more waits for the occasion to be given back: the next PING of its server, in
// whose place the client gets its window.

/** For how long the occasion is waited for, in milliseconds. */
const OCCASION_MS = 20_000;

/** Whether one channel is on its way out of pacing, and since when. */
export class Leaving {
  private since: number | null = null;

  /** Whether the next PING of the server is the occasion. */
  get wanted(): boolean {
    return this.since !== null;
  }

  /** Pacing begins. */
  begin(): void {
    this.since = null;
  }

  /** Whether the occasion has been waited for too long. @param now monotonic milliseconds */
  look(wanted: boolean, now: number): boolean {
    this.since = wanted ? (this.since ?? now) : null;
    return now - (this.since ?? now) > OCCASION_MS;
  }
}
