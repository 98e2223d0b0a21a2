// SPDX-License-Identifier: Apache-2.0
// Ends sessions, begun or not, whose users may not open their console any more: the lists of access of a source have changed, or
// the tags of its guests. A token that was made while that happened is found by the next review.
import { ACCESS_TAKEN_AWAY } from '../objects/audit-message.js';
import type { AccessLists } from '../objects/access.js';
import type { SessionTermination } from './session-termination.js';

/** The reason that records keep. */
const REASON = 'access taken away';

/** Reviews sessions. */
export class AccessReview {
  constructor(
    private readonly lists: Pick<AccessLists, 'sessionsWithout'>,
    private readonly termination: Pick<SessionTermination, 'session'>,
  ) {}

  /** Reviews the sessions of a source's consoles; gives how many it ended. */
  async review(source: string): Promise<number> {
    const sessions = await this.lists.sessionsWithout(source);
    for (const { sessionId, uuid } of sessions)
      await this.termination.session(
        sessionId,
        { source, uuid },
        { by: { kind: 'service' }, reason: REASON, message: ACCESS_TAKEN_AWAY },
      );
    return sessions.length;
  }
}
