// SPDX-License-Identifier: Apache-2.0
// What of a session is not recorded unless [recording] record_input is set: what a user types, and what passes by clipboard
// or from devices, where passwords and keys travel. Of the keys not even the moments are kept.
import { CHANNEL } from '../console/spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../console/spice/message-types.js';
import type { Way } from './records.js';

const { KEY_DOWN, KEY_UP, KEY_MODIFIERS, KEY_SCANCODE } = CLIENT_MESSAGE.inputs;
const KEYS: ReadonlySet<number> = new Set([KEY_DOWN, KEY_UP, KEY_MODIFIERS, KEY_SCANCODE]);
/** DATA, plain and compressed, of devices, in both directions; of ports what the user sends. */
const DEVICE_DATA: ReadonlySet<number> = new Set([
  CLIENT_MESSAGE.usbredir.DATA,
  CLIENT_MESSAGE.usbredir.COMPRESSED_DATA,
]);

/** `message`: no trace of it is kept. `body`: its type and size are. null: it is recorded as it is. */
export function leftOut(channelType: number, way: Way, type: number): 'message' | 'body' | null {
  switch (channelType) {
    case CHANNEL.inputs:
      return way === 'up' && KEYS.has(type) ? 'message' : null;
    case CHANNEL.main: {
      const agent = way === 'up' ? CLIENT_MESSAGE.main.AGENT_DATA : SERVER_MESSAGE.main.AGENT_DATA;
      return type === agent ? 'body' : null;
    }
    case CHANNEL.smartcard:
    case CHANNEL.usbredir:
      return DEVICE_DATA.has(type) ? 'body' : null;
    case CHANNEL.port:
    case CHANNEL.webdav:
      return way === 'up' && DEVICE_DATA.has(type) ? 'body' : null;
    default:
      return null;
  }
}
