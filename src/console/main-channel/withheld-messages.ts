// SPDX-License-Identifier: Apache-2.0
// Messages of the main channel that a client must not see: migration messages name the hypervisor; the notice that the
// keyboard channel is insecure is not true for a client that came over TLS.
import type { Grant } from '../ipc.js';
import {
  DROP,
  PASS,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Stage,
} from '../relay/stage.js';
import { notifyText } from '../spice/main-messages.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';
import { MAX_INSPECTED_BYTES, type MainControl } from './main-control.js';

const { NOTIFY } = SERVER_MESSAGE.common;
const { MIGRATE_BEGIN, MIGRATE_SWITCH_HOST, MIGRATE_BEGIN_SEAMLESS } = SERVER_MESSAGE.main;

/** The notice of spice-server (inputs-channel.cpp) when its own inputs socket is not TLS. */
const INSECURE_KEYBOARD = 'keyboard channel is insecure';

const INTEREST: Interest = {
  bodies: {
    types: new Set([NOTIFY, MIGRATE_BEGIN, MIGRATE_SWITCH_HOST, MIGRATE_BEGIN_SEAMLESS]),
    maxBodyBytes: MAX_INSPECTED_BYTES,
  },
};

/** Keeps messages from the client. */
export class WithheldMessages implements Stage {
  readonly name = 'withheld-messages';
  readonly down = INTEREST;

  constructor(
    private readonly grant: Grant,
    private readonly control: MainControl,
  ) {}

  onMessage(_direction: Direction, { type, body }: Message): Answer {
    if (type === NOTIFY) return notifyText(body).includes(INSECURE_KEYBOARD) ? DROP : PASS;
    this.control.withheld(this.grant, type);
    return DROP;
  }
}
