// SPDX-License-Identifier: Apache-2.0
// The link stage with the backend: sends the client's link message under the backend's session id, encrypts the
// backend's ticket to its key, waits for the result.
import type { DialledLeg } from './dial.js';
import { runExchange, type Exchange } from './exchange.js';
import type { BackendLeg } from './leg.js';
import type { EndSignal } from '../connection/end-signal.js';
import { BackendFailed } from '../connection/ends.js';
import type { Grant } from '../ipc.js';
import type { ClientLink as ClientSide } from '../connection/link.js';
import { ClientLink, type ClientLinkEvent } from '../spice/client-link.js';
import { capWords, withCap } from '../spice/capabilities.js';
import { CHANNEL, COMMON_CAP, LINK_ERR, MAIN_CAP } from '../spice/constants.js';
import { ProtocolError } from '../spice/errors.js';
import { encryptTicket } from '../listener/ticket-key.js';

/** What the backend answered. */
export interface BackendLink {
  readonly channelCaps: readonly number[];
  /** Bytes behind the link result. */
  readonly rest: Buffer;
}

/**
 * Runs the link stage on a leg that is still connecting; leaves its reading stopped, or destroys the leg.
 *
 * @param early the backend's bytes that have come already
 * @param timeLeft milliseconds until `timed_out`
 * @throws BackendFailed by reason
 * @throws the fault that `signal` was raised with
 */
export function linkBackend(
  { leg, early }: DialledLeg,
  link: ClientSide,
  grant: Grant,
  signal: EndSignal,
  timeLeft: number,
): Promise<BackendLink> {
  return runExchange(leg, new BackendStage(leg, early, link, grant), signal, timeLeft);
}

/** The bytes and answers of one link stage with a backend. */
class BackendStage implements Exchange<BackendLink> {
  private readonly link: ClientLink;
  private channelCaps: readonly number[] = [];

  constructor(
    private readonly leg: BackendLeg,
    early: Buffer,
    private readonly client: ClientSide,
    private readonly grant: Grant,
  ) {
    const { message, miniHeader } = client;
    const mini = miniHeader ? [COMMON_CAP.MINI_HEADER] : [];
    this.link = new ClientLink({
      connectionId: grant.backendConnectionId,
      channelType: message.channelType,
      channelId: message.channelId,
      commonCaps: capWords(COMMON_CAP.PROTOCOL_AUTH_SELECTION, COMMON_CAP.AUTH_SPICE, ...mini),
      channelCaps: asksForIdentity(grant, message.channelType)
        ? withCap(message.channelCaps, MAIN_CAP.NAME_AND_UUID)
        : message.channelCaps,
    });
    this.link.push(early);
  }

  /** Sends the link message. */
  begin(write: (bytes: Buffer) => void): void {
    write(this.link.hello());
  }

  /** Takes bytes of the backend; gives the outcome once the result says OK. */
  push(chunk: Buffer): BackendLink | null {
    try {
      return this.take(chunk);
    } catch (error) {
      if (error instanceof ProtocolError)
        throw new BackendFailed('protocol', `not a SPICE server: ${error.message}`);
      throw error;
    }
  }

  ended(): BackendFailed {
    return new BackendFailed('reset', 'the hypervisor closed the connection in the link stage');
  }

  late(): BackendFailed {
    return new BackendFailed('timed_out', 'no answer in time');
  }

  failed(error: NodeJS.ErrnoException): BackendFailed {
    return this.leg.failed(error);
  }

  private take(chunk: Buffer): BackendLink | null {
    this.link.push(chunk);
    for (let event = this.link.next(); event !== null; event = this.link.next()) {
      if (this.handle(event)) return { channelCaps: this.channelCaps, rest: this.link.rest() };
    }
    return null;
  }

  private handle(event: ClientLinkEvent): boolean {
    switch (event.type) {
      case 'reply':
        this.answer(event);
        return false;
      case 'error':
        throw new BackendFailed(
          'link_refused',
          `the hypervisor answered link error ${event.code}`,
          event.code,
        );
      case 'result':
        return this.judge(event.code);
    }
  }

  private answer(reply: Extract<ClientLinkEvent, { type: 'reply' }>): void {
    if (this.client.miniHeader && !reply.miniHeader) {
      throw new BackendFailed('protocol', 'the hypervisor does not speak mini headers, the client does');
    }
    this.channelCaps = reply.channelCaps;
    const ciphertext = encryptedTo(reply.publicKey, this.grant.target.ticket);
    this.leg.socket.write(this.link.encodeAuth(ciphertext, reply.authSelection));
  }

  private judge(code: number): boolean {
    if (code === LINK_ERR.OK) return true;
    if (code === LINK_ERR.PERMISSION_DENIED) {
      throw new BackendFailed('wrong_ticket', 'the hypervisor refused the ticket of the console');
    }
    throw new BackendFailed('link_refused', `the hypervisor answered link result ${code}`);
  }
}

/** spice-server sends name and UUID only on request; guest-identity.ts keeps them from a client without the capability. */
function asksForIdentity(grant: Grant, channelType: number): boolean {
  return grant.expectedInstanceUuid !== null && channelType === CHANNEL.main;
}

/** Whatever a key is refused with: from Node 24 on such errors may have no code. */
function encryptedTo(publicKey: Buffer, ticket: string): Buffer {
  try {
    return encryptTicket(publicKey, ticket);
  } catch {
    throw new BackendFailed('protocol', 'unusable ticket key');
  }
}
