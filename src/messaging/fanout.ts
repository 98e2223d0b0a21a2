// SPDX-License-Identifier: Apache-2.0
// What every process of a site must hear at once: a session that is over, a console whose instance has changed, a new
// policy. A hint only: the same fact stands in the database, and whoever misses the message finds it there by polling.
import { loggerFor } from '../log.js';

/** A fact for all processes. */
export type FanoutMessage =
  /** Channels of the session of this generation, or an earlier one, must end. `terminated`: for good. */
  | {
      readonly method: 'session_ended';
      readonly args: {
        readonly session_id: string;
        readonly generation: number;
        readonly terminated: boolean;
      };
    }
  /** What is known of an instance has changed: drop what is remembered of its console. */
  | {
      readonly method: 'console_changed';
      readonly args: {
        readonly source: string;
        readonly uuid: string;
        readonly change: 'moving' | 'moved' | 'stayed' | 'changed' | 'removed';
      };
    }
  /** The operator's rules have changed: read them now. */
  | { readonly method: 'policy_changed'; readonly args: Readonly<Record<string, never>> };

/** Takes a message; must not throw. */
export type FanoutHandler = (message: FanoutMessage) => void;

/** The way to all processes of the site. */
export interface Fanout {
  /** Tells every process, this one included. Never waits and never throws. */
  cast(message: FanoutMessage): void;
  /** Hears every message from now on; gives the function that ends it. */
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
