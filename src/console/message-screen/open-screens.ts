// SPDX-License-Identifier: Apache-2.0
// The channels of message screens that this worker serves: how many there are, and what they tell each other. A screen's
// channels may be with different workers of this node; between nodes nothing is told.
import type { ScreenEvent } from '../ipc.js';
import type { ScreenName } from '../screen-name.js';

/** One channel of a screen. */
export interface OpenScreen {
  readonly name: ScreenName;
  /** Something happened on a channel of the screen. */
  event(event: ScreenEvent): void;
  /** The channel must end. */
  end(): void;
}

/** All of a worker. */
export class OpenScreens {
  private readonly open = new Set<OpenScreen>();

  /**
   * @param limit how many channels there may be
   * @param announce tells all workers of the node, this one too
   */
  constructor(
    private readonly limit: number,
    private readonly announce: (screen: ScreenName, event: ScreenEvent) => void,
  ) {}

  /** Whether there is room for one more. */
  get hasRoom(): boolean {
    return this.open.size < this.limit;
  }

  /** Adds a channel. @returns the function that removes it */
  add(screen: OpenScreen): () => void {
    this.open.add(screen);
    return () => this.open.delete(screen);
  }

  /** Tells the other channels of a screen. */
  tell(screen: ScreenName, event: ScreenEvent): void {
    this.announce(screen, event);
  }

  /** Takes what a worker has announced. */
  receive({ sessionId, connectionId }: ScreenName, event: ScreenEvent): void {
    for (const screen of [...this.open])
      if (screen.name.sessionId === sessionId && screen.name.connectionId === connectionId)
        screen.event(event);
  }

  /** Ends all of them. */
  endAll(): void {
    for (const screen of [...this.open]) screen.end();
  }
}
