// SPDX-License-Identifier: Apache-2.0
// The way of a connection, one channel of one client, on one page:
//   accept -> link -> authorize -> backend -> relay -> close
// Each step is the file of that name. The client hears OK only after the backend has accepted, so a dead
// hypervisor is reportable; every fault arrives at close.ts as a typed exception, exactly once.
import { inTenths } from '../../net/deadline.js';
import { authorize } from './authorize.js';
import { openBackend } from '../backend/open.js';
import type { ClientConnection } from './client-connection.js';
import { close } from './close.js';
import { LinkRefused } from './ends.js';
import { receiveLink } from './link.js';
import { Relay } from '../relay/relay.js';
import { LINK_ERR } from '../spice/constants.js';
import { encodeLinkResult } from '../spice/link-message.js';
import type { WorkerContext } from './worker-context.js';

/**
 * Serves one client connection from its TLS handshake to its close; never rejects.
 *
 * @param onLinked called once the link stage is over, however it ended
 */
export async function serveConnection(
  connection: ClientConnection,
  worker: WorkerContext,
  onLinked: () => void,
): Promise<void> {
  worker.registry.add(connection);
  let fault: unknown;
  try {
    const link = await withLinkDeadline(connection, worker, onLinked);
    const grant = await authorize(connection, worker, link);
    connection.grant = grant;
    worker.registry.join(connection, grant.sessionId);
    const backend = await openBackend(connection, worker, link, grant);
    await answerOk(connection);
    await new Relay(connection, worker, link, grant, backend).run();
  } catch (error) {
    fault = error;
  }
  close(connection, worker, fault);
}

/**
 * Sends the client the link result OK and waits until it is written: the relay's first messages must not queue behind it
 * inside the stream, which would join them in one TLS record.
 */
async function answerOk({ client }: ClientConnection): Promise<void> {
  await new Promise<void>((resolve) => {
    client.write(encodeLinkResult(LINK_ERR.OK), () => resolve());
  });
}

/** The whole link stage has one deadline, so that a client cannot hold a connection by sending slowly. */
async function withLinkDeadline(
  connection: ClientConnection,
  worker: WorkerContext,
  onLinked: () => void,
): ReturnType<typeof receiveLink> {
  const left = worker.settings.proxy.linkTimeout - connection.age();
  const deadline = setTimeout(
    () => connection.fail(new LinkRefused('link_timeout', null, 'the link stage took too long')),
    inTenths(left * 1000),
  );
  try {
    return await receiveLink(connection, worker);
  } finally {
    clearTimeout(deadline);
    onLinked();
  }
}
