// SPDX-License-Identifier: Apache-2.0
// What the control plane tells the world of sessions: those that begin and end here, and who is not let in.
import type { RefusedConsole, StartedSession } from '../../notifications/own/payloads.js';
import type { LiveChannel } from './live-channels.js';

/** Tells others of sessions; every call returns at once. */
export interface SessionNews {
  started(session: StartedSession): void;
  /** The records say so. */
  ended(sessionId: string, generation: number): void;
  refused(refused: RefusedConsole): void;
}

/** Who was refused, as far as it is known. */
interface Refused {
  readonly source?: string | undefined;
  readonly uuid?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly clientIp: string;
}

/** Puts into words what happens to channels. */
export class ChannelNews {
  constructor(
    private readonly news: SessionNews,
    private readonly node: string,
  ) {}

  /** The session of this main channel is up. */
  started({ sessionId, generation, source, uuid, owner, clientIp }: LiveChannel): void {
    const started = Date.now() / 1000;
    this.news.started({
      ...{ sessionId, generation, source, uuid, owner, clientIp, started },
      node: this.node,
    });
  }

  /** The main channel of this generation has ended, and the records say so. */
  ended(sessionId: string, generation: number): void {
    this.news.ended(sessionId, generation);
  }

  /** A client was not let in. */
  refused(reason: string, { source, uuid, sessionId, clientIp }: Refused): void {
    this.news.refused({
      ...{ reason, clientIp, node: this.node },
      source: source ?? null,
      uuid: uuid ?? null,
      sessionId: sessionId ?? null,
    });
  }
}
