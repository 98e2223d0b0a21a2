// SPDX-License-Identifier: Apache-2.0
// Authorization of a channel: asks the control plane (another process, which owns the database) whether the ticket
// opens it, and turns a denial into what the client may hear.
import type { ClientConnection } from './client-connection.js';
import { LinkRefused } from './ends.js';
import type { Denial, Grant, KeptGrant, ScreenGrant } from '../ipc.js';
import type { ClientLink } from './link.js';
import { LINK_ERR, MAX_PASSWORD_BYTES } from '../spice/constants.js';
import { encodeLinkResult } from '../spice/link-message.js';
import type { WorkerContext } from './worker-context.js';

/**
 * The grant to open the channel, to show the client's message screen on it, or to keep its client (kept-client.ts).
 *
 * @throws LinkRefused when the ticket does not open it
 * @throws ConnectionEnded `control plane failed` when nobody could decide in time
 */
export async function authorize(
  connection: ClientConnection,
  worker: WorkerContext,
  link: ClientLink,
): Promise<Grant | ScreenGrant | KeptGrant> {
  const { ticket, message } = link;
  if (ticket === null || ticket === '' || Buffer.byteLength(ticket) > MAX_PASSWORD_BYTES) {
    throw refusal({ kind: 'denied', because: 'token', reason: 'token_malformed' });
  }
  const reply = await worker.control.request({
    op: 'authorize',
    ticket,
    connectionId: message.connectionId,
    channelType: message.channelType,
    channelId: message.channelId,
    clientIp: connection.clientIp,
    clientPort: connection.clientPort,
    linkTime: connection.age(),
  });
  if (reply.kind === 'denied') throw refusal(reply);
  return reply;
}

function refusal(denial: Denial): LinkRefused {
  const { reason, sessionId, screen } = denial;
  return new LinkRefused(reason, answerTo(denial), 'the channel is not authorized', sessionId, screen);
}

/** Any result but OK makes a client ask its user for another password; 7 says so, and only a bad token earns it. */
function answerTo(denial: Denial): Buffer | null {
  switch (denial.because) {
    case 'token':
      return encodeLinkResult(LINK_ERR.PERMISSION_DENIED);
    case 'connection_id':
      return encodeLinkResult(LINK_ERR.BAD_CONNECTION_ID);
    case 'limit':
      return encodeLinkResult(LINK_ERR.ERROR);
    case 'channel':
    case 'error':
      return null;
  }
}
