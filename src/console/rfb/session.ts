// SPDX-License-Identifier: Apache-2.0
// Whether client and console speak the same: kerbside-html5proxy asks for a VNC console with a capability of its own in the
// link message of a main channel, and the channel carries RFB from ServerInit on.
import type { ClientConnection } from '../connection/client-connection.js';
import { ConnectionEnded } from '../connection/ends.js';
import type { ClientLink } from '../connection/link.js';
import type { WorkerContext } from '../connection/worker-context.js';
import type { Grant } from '../ipc.js';
import { hasCap } from '../spice/capabilities.js';
import { CHANNEL, MAIN_CAP } from '../spice/constants.js';

/**
 * Refuses a client that speaks something else than the console.
 * @throws ConnectionEnded
 */
export function demandProtocol({ message }: ClientLink, { target }: Grant): void {
  const asksForVnc =
    message.channelType === CHANNEL.main && hasCap(message.channelCaps, MAIN_CAP.KERBSIDE_RFB);
  if (asksForVnc === (target.protocol === 'vnc')) return;
  throw new ConnectionEnded(
    'other protocol',
    asksForVnc ? 'the console speaks SPICE, its client VNC' : 'the console speaks VNC, its client SPICE',
  );
}

/** Records that a VNC session is up. @throws ConnectionEnded when it was ended meanwhile */
export async function establishRfb(
  { signal }: ClientConnection,
  { control }: WorkerContext,
  { connectionRef, sessionId, generation, proxyConnectionId }: Grant,
): Promise<void> {
  const backendConnectionId = proxyConnectionId;
  await control.request({ op: 'establish', connectionRef, sessionId, generation, backendConnectionId });
  signal.throwIfAborted();
}
