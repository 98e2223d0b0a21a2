// SPDX-License-Identifier: Apache-2.0
// The way of a connection, one channel of one client, on one page:
//   accept -> link -> authorize -> backend -> relay -> close
// Each step is the file of that name. The client hears OK only after the backend has accepted, so a dead
// hypervisor is reportable; every fault arrives at close.ts as a typed exception, exactly once. Where message screens are on,
// a client whose desktop does not come up, or is ended by an order, is shown why before its connection is closed
// (message-screen/). A client that is in the midst of a migration is kept (kept-client.ts).
import { inTenths } from '../../net/deadline.js';
import { authorize } from './authorize.js';
import { openBackend } from '../backend/open.js';
import type { ClientConnection } from './client-connection.js';
import { close, closeClient, record } from './close.js';
import { LinkRefused } from './ends.js';
import { keepClient, mustKeep, reportDestination } from './kept-client.js';
import { receiveLink, type ClientLink } from './link.js';
import { showScreen, type Showing } from '../message-screen/show.js';
import { subjectOf, subjectOfOrder, type ScreenSubject } from '../message-screen/subject.js';
import { RfbRelay } from '../rfb/relay.js';
import { demandProtocol, establishRfb } from '../rfb/session.js';
import { Relay } from '../relay/relay.js';
import { CHANNEL, LINK_ERR } from '../spice/constants.js';
import { encodeLinkResult } from '../spice/link-message.js';
import { seamlessNack } from '../spice/migration-messages.js';
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
  let link: ClientLink | null = null;
  let relay: Relay | null = null;
  try {
    link = await withLinkDeadline(connection, worker, onLinked);
    const grant = await authorize(connection, worker, link);
    if (grant.kind === 'screen') {
      await serveScreen(connection, worker, link, newScreen(grant, link));
      return;
    }
    if (grant.kind === 'kept') {
      await answerOk(connection);
      await keepClient(connection, worker, null);
      return;
    }
    connection.grant = grant;
    worker.registry.join(connection, grant.sessionId);
    demandProtocol(link, grant);
    const vnc = grant.target.protocol === 'vnc';
    const backend = await openBackend(connection, worker, link, grant);
    if (vnc) await establishRfb(connection, worker, grant);
    await answerOk(connection);
    if (vnc) {
      await new RfbRelay(connection, backend, link.rest).run();
    } else {
      relay = new Relay(connection, worker, link, grant, backend);
      await relay.run();
    }
  } catch (error) {
    fault = error;
  }
  if (link !== null && mustKeep(connection, fault)) {
    await reportDestination(connection, worker, fault);
    record(connection, worker, fault);
    if (!connection.answered) await answerOk(connection);
    await keepClient(connection, worker, nackFor(connection, link, relay));
    return;
  }
  const showing = link === null ? null : showingOf(connection, link, relay, fault);
  if (link === null || showing === null || !worker.screens.hasRoom) close(connection, worker, fault);
  else await explain(connection, worker, link, { showing, fault });
}

/** What the client of a main channel waits for from its destination; null: it is a channel beside one, or is past that. */
function nackFor(
  { channelType }: ClientConnection,
  { miniHeader }: ClientLink,
  relay: Relay | null,
): Buffer | null {
  const place = channelType === CHANNEL.main ? relay?.handOver() : null;
  return place === null || place === undefined ? null : seamlessNack(miniHeader, place.serial + 1n);
}

/** What the client is shown in place of the end of its connection; null: nothing. */
function showingOf(
  connection: ClientConnection,
  link: ClientLink,
  relay: Relay | null,
  fault: unknown,
): Showing | null {
  const subject = subjectOf(connection, fault);
  if (subject !== null) return newScreen(subject, link);
  const ordered = relay === null ? null : subjectOfOrder(connection, link, fault);
  const begins = ordered === null ? null : (relay?.handOver() ?? null);
  return ordered === null || begins === null ? null : { subject: ordered, begins, tookOver: true };
}

/** A screen of a channel on which nothing has passed. */
function newScreen(subject: ScreenSubject, { rest }: ClientLink): Showing {
  return { subject, begins: { bodyLeft: 0, bytes: rest, serial: 0n }, tookOver: false };
}

/** Records the end of a channel as it is, and shows its client why. */
async function explain(
  connection: ClientConnection,
  worker: WorkerContext,
  link: ClientLink,
  { showing, fault }: { readonly showing: Showing; readonly fault: unknown },
): Promise<void> {
  record(connection, worker, fault);
  if (!showing.tookOver) worker.control.note({ op: 'screen_shown', about: showing.subject.about });
  await serveScreen(connection, worker, link, showing);
}

/** Serves a channel of a message screen; without room for it the channel is closed. */
async function serveScreen(
  connection: ClientConnection,
  worker: WorkerContext,
  link: ClientLink,
  showing: Showing,
): Promise<void> {
  if (worker.screens.hasRoom) {
    if (!connection.answered) await answerOk(connection);
    if (showing.tookOver || !connection.signal.aborted) await showScreen(connection, worker, link, showing);
  }
  closeClient(connection, worker);
}

/**
 * Sends the client the link result OK and waits until it is written: the relay's first messages must not queue behind it
 * inside the stream, which would join them in one TLS record.
 */
async function answerOk(connection: ClientConnection): Promise<void> {
  await new Promise<void>((resolve) => {
    connection.client.write(encodeLinkResult(LINK_ERR.OK), () => resolve());
  });
  connection.answered = true;
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
