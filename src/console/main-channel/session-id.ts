// SPDX-License-Identifier: Apache-2.0
// MAIN_INIT: the client gets the session id that Kerbside has made, and only once the control plane knows the
// backend's: the client opens its next channel with it, on whatever node.
import type { Grant } from '../ipc.js';
import {
  replace,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Stage,
} from '../relay/stage.js';
import { initSessionId, MAIN_INIT_BYTES, withInitSessionId } from '../spice/main-messages.js';
import { PeerMisbehaved } from '../spice/errors.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';
import { MAX_INSPECTED_BYTES, type MainControl } from './main-control.js';

const INTEREST: Interest = {
  bodies: { types: new Set([SERVER_MESSAGE.main.INIT]), maxBodyBytes: MAX_INSPECTED_BYTES },
};

/** Gives the client its own session id. */
export class SessionId implements Stage {
  readonly name = 'session-id';
  readonly down = INTEREST;

  constructor(
    private readonly grant: Grant,
    private readonly control: MainControl,
  ) {}

  /** @throws PeerMisbehaved for a MAIN_INIT that is too short; rejects as the control plane does */
  async onMessage(_direction: Direction, { body }: Message): Promise<Answer> {
    if (body.length < MAIN_INIT_BYTES)
      throw new PeerMisbehaved(`MAIN_INIT has ${body.length} bytes, ${MAIN_INIT_BYTES} are needed`);
    await this.control.establish(this.grant, initSessionId(body));
    return replace(withInitSessionId(body, this.grant.proxyConnectionId));
  }
}
