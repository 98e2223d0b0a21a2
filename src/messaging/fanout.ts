// SPDX-License-Identifier: Apache-2.0
// Messages to every process of a site: a session that is over, a console whose instance has changed, new rules of the policy.
// Hints only: the same fact is in the database or in a file, where a process that misses the message finds it by polling. What
// happens on a message screen is in neither: a process that misses it shows the screen as it was.
import { loggerFor } from '../log.js';

/** A fact for all processes. */
export type FanoutMessage =
  /** Channels of the session of this generation, or an earlier one, must end. `terminated`: permanently; `replaced`: for another. */
  | {
      readonly method: 'session_ended';
      readonly args: {
        readonly session_id: string;
        readonly generation: number;
        readonly terminated: boolean;
        readonly replaced?: true;
      };
    }
  /** What is known of an instance has changed: drop what is cached of its console. */
  | {
      readonly method: 'console_changed';
      readonly args: {
        readonly source: string;
        readonly uuid: string;
        readonly change: 'moving' | 'moved' | 'stayed' | 'changed' | 'removed';
      };
    }
  /** What a source, or consoles of it, say for themselves has changed: look what holds for their open sessions. */
  | { readonly method: 'settings_changed'; readonly args: { readonly source: string } }
  /** A migration does not come about: the channels that were opened at its destination must end. */
  | {
      readonly method: 'migration_ended';
      readonly args: { readonly session_id: string; readonly migration: number };
    }
  /**
   * Something has happened on one channel of a message screen, of which another node may have the others. Only this message
   * tells it.
   */
  | { readonly method: 'screen_event'; readonly args: ScreenEventArgs }
  /** policy.yaml has changed: every REST service reads it now. Nothing in a proxy depends on it. */
  | { readonly method: 'policy_changed'; readonly args: Readonly<Record<string, never>> };

/** What happened on a message screen; of `size` the client's window in pixels. */
export type ScreenEventArgs = {
  readonly session_id: string;
  /** The id that the screen's channels show: u32. */
  readonly connection_id: number;
} & (
  | { readonly what: 'key' | 'shown' }
  | { readonly what: 'size'; readonly width: number; readonly height: number }
);

/** Handles a message; must not throw. */
export type FanoutHandler = (message: FanoutMessage) => void;

/** Reaches all processes of the site. */
export interface Fanout {
  /** Sends to every process, this one included. Never waits and never throws. */
  cast(message: FanoutMessage): void;
  /** Calls `handler` with every message from now on; gives the function that ends it. */
  subscribe(handler: FanoutHandler): () => void;
}

const log = loggerFor('kerbside.messaging.fanout');

/** Reaches the parts of this process. */
export class LocalFanout implements Fanout {
  private readonly handlers = new Set<FanoutHandler>();

  cast(message: FanoutMessage): void {
    setImmediate(() => this.deliver(message));
  }

  subscribe(handler: FanoutHandler): () => void {
    this.handlers.add(handler);
    return () => this.handlers.delete(handler);
  }

  /** Hands a message to every handler. */
  protected deliver(message: FanoutMessage): void {
    for (const handler of this.handlers) {
      try {
        handler(message);
      } catch (error) {
        log.error('a fanout message could not be taken up', {
          method: message.method,
          error: error as Error,
        });
      }
    }
  }
}
