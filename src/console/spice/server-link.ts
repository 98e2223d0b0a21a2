// SPDX-License-Identifier: Apache-2.0
// The link stage as a SPICE server sees it: the side of the proxy that faces clients. Bytes in, events out; no
// sockets, no clock, no keys. The order of the checks, the codes and the silent cases are those of spice-server
// 0.15.1 [reds.cpp]: magic -> version -> size -> capabilities -> security -> channel -> (reply) -> mechanism.
import { hasCap } from './capabilities.js';
import {
  AUTH_MECHANISM,
  channelName,
  COMMON_CAP,
  LINK_ERR,
  LINK_HEADER_BYTES,
  LINK_SIZE_MAX,
  LINK_SIZE_MIN,
  LINK_WORD_BYTES,
  SPICE_MAGIC,
  SPICE_VERSION_MAJOR,
  TICKET_BYTES,
} from './constants.js';
import { InvalidMessage, LimitExceeded, PeerIncompatible } from './errors.js';
import { decodeLinkHeader, decodeLinkMess, encodeLinkError } from './link-message.js';
import type { ProtocolError } from './errors.js';
import type { LinkMess } from './link-message.js';
import { PendingBytes } from './pending-bytes.js';

/** What happened in the link stage of a client. */
export type ServerLinkEvent =
  | {
      /** The client asks for a channel; the caller sends `encodeLinkReply` (or `encodeLinkError` and closes). */
      type: 'link';
      message: LinkMess;
      /** The client will send a mechanism word before its ticket. */
      authSelection: boolean;
      /** The client speaks 6-byte message headers (else 18-byte ones). */
      miniHeader: boolean;
    }
  | {
      /** The encrypted ticket is here; the caller decrypts it and sends `encodeLinkResult` (or closes). */
      type: 'ticket';
      ciphertext: Buffer;
    }
  | {
      /** The client is turned away: send `reply` (null: nothing at all), then close. Nothing follows. */
      type: 'reject';
      reply: Buffer | null;
      error: ProtocolError;
    };

/** How a {@link ServerLink} answers. */
export interface ServerLinkOptions {
  /** False on a plain listener: every legal link is answered with NEED_SECURED. Default true. */
  secured?: boolean;
}

type State = 'header' | 'mess' | 'mechanism' | 'ticket' | 'linked' | 'rejected';

/**
 * One client's link stage. Give it each chunk, then take events until `next()` is null.
 *
 * ```
 * link.push(chunk);
 * for (let event = link.next(); event !== null; event = link.next()) { ... }
 * ```
 */
export class ServerLink {
  private readonly pending = new PendingBytes();
  private readonly secured: boolean;
  private state: State = 'header';
  private messBytes = 0;
  private overflow: LimitExceeded | null = null;

  constructor(options: ServerLinkOptions = {}) {
    this.secured = options.secured ?? true;
  }

  /** Adds bytes of the client; they are copied. Too many unread ones show as a `reject` event. */
  push(chunk: Uint8Array): void {
    if (this.state === 'rejected' || this.overflow !== null) {
      return;
    }
    try {
      this.pending.append(chunk);
    } catch (error) {
      this.overflow = error as LimitExceeded;
    }
  }

  /** The next event, or null while more bytes are needed, after the ticket, and after a rejection. */
  next(): ServerLinkEvent | null {
    if (this.overflow !== null && this.state !== 'rejected') {
      return this.reject(this.overflow, null);
    }
    switch (this.state) {
      case 'header':
        return this.readHeader();
      case 'mess':
        return this.readMess();
      case 'mechanism':
        return this.readMechanism();
      case 'ticket':
        return this.readTicket();
      case 'linked':
      case 'rejected':
        return null;
    }
  }

  /** Takes the bytes that came after the ticket: the client's first messages, or nothing. */
  rest(): Buffer {
    return this.pending.takeAll();
  }

  private readHeader(): ServerLinkEvent | null {
    const magic = this.pending.peek(LINK_WORD_BYTES)?.readUInt32LE(0);
    if (magic !== undefined && magic !== SPICE_MAGIC) {
      return this.reject(new InvalidMessage('magic', 0, 'is not REDQ'), LINK_ERR.INVALID_MAGIC);
    }
    const bytes = this.pending.take(LINK_HEADER_BYTES);
    if (bytes === null) {
      return null;
    }
    const { majorVersion, size } = decodeLinkHeader(bytes);
    if (majorVersion !== SPICE_VERSION_MAJOR) {
      const error = new PeerIncompatible(
        `the client speaks SPICE ${majorVersion}, not ${SPICE_VERSION_MAJOR}`,
      );
      return this.reject(error, majorVersion === 0 ? null : LINK_ERR.VERSION_MISMATCH);
    }
    if (size < LINK_SIZE_MIN) {
      const error = new InvalidMessage('size', 12, `${size} is below ${LINK_SIZE_MIN}`);
      return this.reject(error, LINK_ERR.INVALID_DATA);
    }
    if (size > LINK_SIZE_MAX) {
      const error = new LimitExceeded('link message size', LINK_SIZE_MAX, size);
      return this.reject(error, LINK_ERR.INVALID_DATA);
    }
    this.messBytes = size;
    this.state = 'mess';
    return this.readMess();
  }

  private readMess(): ServerLinkEvent | null {
    const body = this.pending.take(this.messBytes);
    if (body === null) {
      return null;
    }
    let message: LinkMess;
    try {
      message = decodeLinkMess(body);
    } catch (error) {
      return this.reject(error as ProtocolError, LINK_ERR.INVALID_DATA);
    }
    if (!this.secured) {
      return this.reject(new PeerIncompatible('the client did not come over TLS'), LINK_ERR.NEED_SECURED);
    }
    if (channelName(message.channelType) === null) {
      return this.reject(new PeerIncompatible(`there is no channel type ${message.channelType}`), null);
    }
    const authSelection = hasCap(message.commonCaps, COMMON_CAP.PROTOCOL_AUTH_SELECTION);
    const miniHeader = hasCap(message.commonCaps, COMMON_CAP.MINI_HEADER);
    this.state = authSelection ? 'mechanism' : 'ticket';
    return { type: 'link', message, authSelection, miniHeader };
  }

  private readMechanism(): ServerLinkEvent | null {
    const mechanism = this.pending.take(LINK_WORD_BYTES)?.readUInt32LE(0);
    if (mechanism === undefined) {
      return null;
    }
    if (mechanism !== AUTH_MECHANISM.SPICE) {
      const error = new PeerIncompatible(`the client wants authentication mechanism ${mechanism}`);
      return this.reject(error, LINK_ERR.INVALID_DATA);
    }
    this.state = 'ticket';
    return this.readTicket();
  }

  private readTicket(): ServerLinkEvent | null {
    const ciphertext = this.pending.take(TICKET_BYTES);
    if (ciphertext === null) {
      return null;
    }
    this.state = 'linked';
    return { type: 'ticket', ciphertext };
  }

  private reject(error: ProtocolError, code: number | null): ServerLinkEvent {
    this.state = 'rejected';
    this.pending.takeAll();
    return { type: 'reject', reply: code === null ? null : encodeLinkError(code), error };
  }
}
