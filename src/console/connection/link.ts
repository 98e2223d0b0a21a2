// SPDX-License-Identifier: Apache-2.0
// The link stage with the client: reads the link message, answers with the ticket key and the capabilities, reads
// the ticket. Source of order, codes and limits: spice-server reds.cpp, through spice/server-link.ts.
import { channelCaps, COMMON_CAPS } from './advertised-caps.js';
import type { ClientConnection } from './client-connection.js';
import type { LegStream } from './leg-stream.js';
import { ConnectionEnded, LinkRefused } from './ends.js';
import { LINK_ERR } from '../spice/constants.js';
import { encodeLinkError, encodeLinkReply } from '../spice/link-message.js';
import type { LinkMess } from '../spice/link-message.js';
import { ServerLink, type ServerLinkEvent } from '../spice/server-link.js';
import type { TicketKey } from '../listener/ticket-key.js';
import type { WorkerContext } from './worker-context.js';

/** What the client asked for, with its ticket decrypted. */
export interface ClientLink {
  readonly message: LinkMess;
  /** 6-byte message headers on both legs, else 18-byte ones. */
  readonly miniHeader: boolean;
  /** null: the block did not decrypt. A secret. */
  readonly ticket: string | null;
  /** Milliseconds from the link reply to the ticket: the round trip, and what the client took to encrypt. */
  readonly rttMs: number;
  /** What the client sent behind its ticket without waiting for the result. */
  readonly rest: Buffer;
}

/**
 * Runs the link stage up to the ticket; leaves the socket paused.
 *
 * @throws LinkRefused when the client breaks the link stage or is over a limit
 * @throws ConnectionEnded when it goes away or the connection is ended meanwhile
 */
export function receiveLink(connection: ClientConnection, worker: WorkerContext): Promise<ClientLink> {
  const { client, signal } = connection;
  return new Promise<ClientLink>((resolve, reject) => {
    const stage = new LinkStage(connection, worker);
    const finish = (settle: () => void): void => {
      connection.readBy(null);
      signal.removeEventListener('abort', onAbort);
      client.pause();
      settle();
    };
    const onAbort = (): void => finish(() => reject(asError(signal.reason)));
    signal.addEventListener('abort', onAbort);
    connection.readBy({
      data: (chunk) => {
        try {
          const link = stage.push(chunk);
          if (link !== null) finish(() => resolve(link));
        } catch (error) {
          finish(() => reject(asError(error)));
        }
      },
      end: () => finish(() => reject(new ConnectionEnded('client closed', 'in the link stage'))),
    });
    if (signal.aborted) onAbort();
  });
}

/** The bytes and answers of one link stage. */
class LinkStage {
  private readonly link = new ServerLink();
  private key: TicketKey | null = null;
  private message: LinkMess | null = null;
  private miniHeader = false;
  private answeredAt = 0;

  constructor(
    private readonly connection: ClientConnection,
    private readonly worker: WorkerContext,
  ) {}

  /** Takes bytes of the client; gives the whole link once the ticket is there. */
  push(chunk: Buffer): ClientLink | null {
    this.link.push(chunk);
    for (let event = this.link.next(); event !== null; event = this.link.next()) {
      const done = this.handle(event);
      if (done !== null) return done;
    }
    return null;
  }

  private handle(event: ServerLinkEvent): ClientLink | null {
    switch (event.type) {
      case 'link':
        this.answer(this.connection.client, event.message, event.miniHeader);
        return null;
      case 'ticket':
        return this.complete(event.ciphertext);
      case 'reject':
        throw new LinkRefused('link', event.reply, event.error.message);
    }
  }

  private answer(client: LegStream, message: LinkMess, miniHeader: boolean): void {
    const { overLimit } = this.connection;
    if (overLimit !== null) {
      throw new LinkRefused(overLimit, encodeLinkError(LINK_ERR.ERROR), 'too many connections');
    }
    this.message = message;
    this.connection.channelType = message.channelType;
    this.miniHeader = miniHeader;
    this.key = this.worker.ticketKeys.take();
    this.answeredAt = performance.now();
    client.write(
      encodeLinkReply({
        publicKey: this.key.publicKey,
        commonCaps: [...COMMON_CAPS],
        channelCaps: [...channelCaps(message.channelType)],
      }),
    );
  }

  private complete(ciphertext: Buffer): ClientLink {
    const { key, message } = this;
    if (key === null || message === null) throw new Error('a ticket came before its link message');
    const rttMs = performance.now() - this.answeredAt;
    const { miniHeader } = this;
    return { message, miniHeader, ticket: key.decrypt(ciphertext), rttMs, rest: this.link.rest() };
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
