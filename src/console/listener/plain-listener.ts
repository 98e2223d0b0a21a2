// SPDX-License-Identifier: Apache-2.0
// The plain port: reads one link message and answers NEED_SECURED (spice/enums.h SpiceLinkErr 5), upon which
// spice-gtk comes back over TLS. Nothing is ever relayed here.
import type { Socket } from 'node:net';
import { destroyAfter } from '../../net/deadline.js';
import { ServerLink } from '../spice/server-link.js';

/** A client that has not closed after its answer is cut after this many milliseconds. */
const LINGER_MS = 1000;

/**
 * Serves one plain connection.
 *
 * @param timeout seconds the client has for its link message
 * @param report called once with what was wrong with the client's bytes
 */
export function answerNeedSecured(socket: Socket, timeout: number, report: (detail: string) => void): void {
  const link = new ServerLink({ secured: false });
  const answered = destroyAfter(socket, timeout * 1000);
  const onData = (chunk: Buffer): void => {
    link.push(chunk);
    const event = link.next();
    if (event?.type !== 'reject') return;
    socket.off('data', onData);
    report(event.error.message);
    answered();
    destroyAfter(socket, LINGER_MS);
    if (event.reply !== null) socket.write(event.reply);
    socket.end();
    socket.resume();
  };
  socket.on('data', onData);
}
