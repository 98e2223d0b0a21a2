// SPDX-License-Identifier: Apache-2.0
// The client of a channel to the destination of a migration that does not come about, or of which a channel has failed. The
// hypervisor is left at once: one that is left with such a channel stands still for 10 s. The client is not: while it opens its channels ahead it reads nothing of
// its main channel to the source, waits for each of them to open, and for the answer of the destination's main channel. Where
// one that it has told it is open ends it waits for good; where two end that are not open it comes to its senses twice, and
// is lost [spice-gtk channel-main.c, migrate_channel_event_cb]. So all of them are let open, and are left to it: it closes them
// itself as soon as it reads what became of the migration.
import { loggerFor } from '../../log.js';
import { CHANNEL } from '../spice/constants.js';
import { ProtocolError } from '../spice/errors.js';
import type { ClientConnection } from './client-connection.js';
import { closeClient } from './close.js';
import type { CloseReason } from '../../close-reason.js';
import { BackendFailed, ConnectionEnded } from './ends.js';
import type { WorkerContext } from './worker-context.js';

const log = loggerFor('kerbside.console.migration');

/** For how long a client may take to open its channels ahead, and to leave them: many times what a slow link needs. */
const KEPT_MS = 30_000;

/** Bytes of MIGRATE_DST_DO_SEAMLESS below the longer kind of header: all that a client says ahead, on its main channel. */
const SAID_AHEAD_BYTES = 22;

/** Ends by the destination, and by the order that follows on them. */
const OF_DESTINATION: ReadonlySet<CloseReason> = new Set<CloseReason>([
  ...(['migration cancelled', 'ticket not minted', 'backend broke the protocol'] as const),
  ...(['backend closed', 'backend connection lost'] as const),
]);

/**
 * Whether a connection has ended by a migration that does not come about, or by its destination, and its client must not learn
 * of that by it. A main channel that is not open yet is the only one that its client has ahead, and may fail. A client that has
 * gone over has said more.
 */
export function mustKeep(
  { answered, channelType, client, grant, traffic }: ClientConnection,
  fault: unknown,
): boolean {
  if (grant === null || grant.migration === null || client.destroyed || !isOfDestination(fault)) return false;
  return (answered || channelType !== CHANNEL.main) && (traffic?.bytesUp ?? 0) <= SAID_AHEAD_BYTES;
}

function isOfDestination(fault: unknown): boolean {
  if (fault instanceof BackendFailed || fault instanceof ProtocolError) return true;
  return fault instanceof ConnectionEnded && OF_DESTINATION.has(fault.reason);
}

/**
 * The records must know that the destination has failed before its client hears that the channel is open. Never rejects: with
 * no answer the client is kept all the same.
 */
export async function reportDestination(
  { grant }: ClientConnection,
  { control }: WorkerContext,
  fault: unknown,
): Promise<void> {
  if (grant === null || (fault instanceof ConnectionEnded && fault.reason === 'migration cancelled')) return;
  const { connectionRef, sessionId: session } = grant;
  try {
    await control.request({ op: 'destination_failed', connectionRef });
  } catch (error) {
    log.warning('the failed destination of a migration could not be recorded', {
      ...{ session, connection: connectionRef, detail: String(error) },
    });
  }
}

/**
 * Keeps a client until it leaves; it has heard that its channel is open. Never rejects.
 *
 * @param last what it is sent; null: nothing
 */
export async function keepClient(
  connection: ClientConnection,
  worker: WorkerContext,
  last: Buffer | null,
): Promise<void> {
  const { client, channelType, clientIp } = connection;
  const fields = { session: connection.grant?.sessionId, channel: channelType, client: clientIp };
  log.debug('client kept until it leaves a migration', fields);
  if (last !== null && client.writable) client.write(last);
  const left = await new Promise<boolean>((resolve) => {
    const done = (itself: boolean): void => {
      clearTimeout(overdue);
      stop();
      resolve(itself);
    };
    const overdue = setTimeout(() => done(false), KEPT_MS);
    const stop = worker.registry.keep(() => done(false));
    client.once('close', () => done(true));
    connection.readBy({ data: () => undefined, end: () => done(true) });
    if (client.destroyed || client.readableEnded) done(true);
    else client.resume();
  });
  connection.readBy(null);
  if (!left) log.info('client has not left a migration', fields);
  closeClient(connection, worker);
}
