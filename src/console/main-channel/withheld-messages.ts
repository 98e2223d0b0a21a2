// SPDX-License-Identifier: Apache-2.0
// Messages of the main channel that a client must not see: the notice that the keyboard channel is insecure is not true for a
// client that came over TLS.
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
import { MAX_INSPECTED_BYTES } from './main-control.js';

/** The notice of spice-server (inputs-channel.cpp) when its own inputs socket is not TLS. */
const INSECURE_KEYBOARD = 'keyboard channel is insecure';

const INTEREST: Interest = {
  bodies: { types: new Set([SERVER_MESSAGE.common.NOTIFY]), maxBodyBytes: MAX_INSPECTED_BYTES },
};

/** Keeps messages from the client. */
export class WithheldMessages implements Stage {
  readonly name = 'withheld-messages';
  readonly down = INTEREST;

  onMessage(_direction: Direction, { body }: Message): Answer {
    return notifyText(body).includes(INSECURE_KEYBOARD) ? DROP : PASS;
  }
}
