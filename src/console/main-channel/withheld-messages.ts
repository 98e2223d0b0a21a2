// SPDX-License-Identifier: Apache-2.0
// Messages of the main channel that a client must not see: migration messages name the hypervisor; the notice that the
// keyboard channel is insecure is not true for a client that came over TLS. A hypervisor that asks a client to get ready for
// a migration waits 10 s for its answer, with the guest's picture standing still (spice-server reds.cpp): it is told at once
// that the client cannot.
import type { Grant } from '../ipc.js';
import {
  DROP,
  PASS,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Stage,
  type StagePorts,
} from '../relay/stage.js';
import { notifyText } from '../spice/main-messages.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';
import { MAX_INSPECTED_BYTES, type MainControl } from './main-control.js';

const { NOTIFY } = SERVER_MESSAGE.common;
const { MIGRATE_BEGIN, MIGRATE_SWITCH_HOST, MIGRATE_BEGIN_SEAMLESS } = SERVER_MESSAGE.main;

/** The notice of spice-server (inputs-channel.cpp) when its own inputs socket is not TLS. */
const INSECURE_KEYBOARD = 'keyboard channel is insecure';

const { MIGRATE_CONNECT_ERROR } = CLIENT_MESSAGE.main;
const NOTHING = Buffer.alloc(0);

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
  private ports: StagePorts | null = null;

  constructor(
    private readonly grant: Grant,
    private readonly control: MainControl,
  ) {}

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  onMessage(_direction: Direction, { type, body }: Message): Answer {
    if (type === NOTIFY) return notifyText(body).includes(INSECURE_KEYBOARD) ? DROP : PASS;
    this.control.withheld(this.grant, type);
    if (type !== MIGRATE_SWITCH_HOST)
      this.ports?.insert('up', this.ports.make(MIGRATE_CONNECT_ERROR, NOTHING));
    return DROP;
  }
}
