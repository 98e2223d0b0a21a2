// SPDX-License-Identifier: Apache-2.0
// The link stage as a SPICE client sees it: the side of the proxy that faces a hypervisor. Bytes in, events out;
// no sockets, no clock, no keys. A backend is trusted no more than a stranger: every length has a maximum.
// Source: protocol.h (layouts), spice-gtk's spice-channel.c (what a client accepts).
import { hasCap } from './capabilities.js';
import {
  COMMON_CAP,
  LINK_HEADER_BYTES,
  LINK_REPLY_BYTES,
  LINK_SIZE_MAX,
  LINK_WORD_BYTES,
  SPICE_MAGIC,
  SPICE_VERSION_MAJOR,
} from './constants.js';
import { InvalidMessage, LimitExceeded, PeerIncompatible, PeerMisbehaved } from './errors.js';
import { decodeLinkHeader, decodeLinkReply, encodeAuth, encodeLinkMess } from './link-message.js';
import type { LinkMess } from './link-message.js';
import { PendingBytes } from './pending-bytes.js';

/** What happened in the link stage with a backend. */
export type ClientLinkEvent =
  | {
      /** The backend accepts the channel; the caller encrypts the ticket and sends `encodeAuth`. */
      type: 'reply';
      /** DER SubjectPublicKeyInfo, 162 bytes. */
      publicKey: Buffer;
      commonCaps: number[];
      channelCaps: number[];
      /** The backend expects a mechanism word before the ticket. */
      authSelection: boolean;
      /** The backend speaks 6-byte message headers (else 18-byte ones). */
      miniHeader: boolean;
    }
  /** The backend turned the link away with this `SpiceLinkErr` code; nothing follows. */
  | { type: 'error'; code: number }
  /** The answer to the ticket: 0 is OK, else a `SpiceLinkErr` code; nothing follows but `rest()`. */
  | { type: 'result'; code: number };

type State = 'header' | 'reply' | 'result' | 'done' | 'failed';

/**
 * One backend's link stage: send `hello()`, give it each chunk, then take events until `next()` is null.
 * After the `reply` event send `encodeAuth(...)`; after the `result` event `rest()` holds the first messages.
 */
export class ClientLink {
  private readonly pending = new PendingBytes();
  private state: State = 'header';
  private replyBytes = 0;

  /** @param mess the channel to ask for, with the capabilities to show */
  constructor(private readonly mess: LinkMess) {}

  /** The bytes that open the link: `SpiceLinkHeader`, `SpiceLinkMess`, capability words. */
  hello(): Buffer {
    return encodeLinkMess(this.mess);
  }

  /** The bytes that answer the `reply` event: mechanism word and ticket, or the ticket alone. */
  encodeAuth(ciphertext: Buffer, authSelection: boolean): Buffer {
    return encodeAuth(ciphertext, authSelection);
  }

  /**
   * Adds bytes of the backend; they are copied.
   * @throws LimitExceeded when too many are unread
   */
  push(chunk: Uint8Array): void {
    this.pending.append(chunk);
  }

  /**
   * The next event, or null while more bytes are needed, after the result, and after an error.
   * @throws ProtocolError when the bytes are no SPICE that a client can speak; nothing follows
   */
  next(): ClientLinkEvent | null {
    const before = this.state;
    this.state = 'failed';
    const [state, event] = this.step(before);
    this.state = state;
    return event;
  }

  /** Takes the bytes that came after the result: the backend's first messages, or nothing. */
  rest(): Buffer {
    return this.pending.takeAll();
  }

  private step(state: State): [State, ClientLinkEvent | null] {
    switch (state) {
      case 'header':
        return this.readHeader();
      case 'reply':
        return this.readReply();
      case 'result':
        return this.readResult();
      case 'done':
      case 'failed':
        return [state, null];
    }
  }

  private readHeader(): [State, ClientLinkEvent | null] {
    const magic = this.pending.peek(LINK_WORD_BYTES)?.readUInt32LE(0);
    if (magic !== undefined && magic !== SPICE_MAGIC) {
      throw new InvalidMessage('magic', 0, 'is not REDQ');
    }
    const bytes = this.pending.take(LINK_HEADER_BYTES);
    if (bytes === null) {
      return ['header', null];
    }
    const { majorVersion, size } = decodeLinkHeader(bytes);
    if (majorVersion !== SPICE_VERSION_MAJOR) {
      throw new PeerIncompatible(`the server speaks SPICE ${majorVersion}, not ${SPICE_VERSION_MAJOR}`);
    }
    if (size < LINK_REPLY_BYTES) {
      throw new InvalidMessage('size', 12, `${size} is below ${LINK_REPLY_BYTES}`);
    }
    if (size > LINK_SIZE_MAX) {
      throw new LimitExceeded('link reply size', LINK_SIZE_MAX, size);
    }
    this.replyBytes = size;
    return this.readReply();
  }

  private readReply(): [State, ClientLinkEvent | null] {
    const body = this.pending.take(this.replyBytes);
    if (body === null) {
      return ['reply', null];
    }
    const { error, reply } = decodeLinkReply(body);
    if (reply === null) {
      return ['done', { type: 'error', code: error }];
    }
    const authSelection = hasCap(reply.commonCaps, COMMON_CAP.PROTOCOL_AUTH_SELECTION);
    if (authSelection && !hasCap(reply.commonCaps, COMMON_CAP.AUTH_SPICE)) {
      throw new PeerIncompatible('the server offers no ticket authentication');
    }
    if (reply.publicKey.every((byte) => byte === 0)) {
      throw new PeerIncompatible('the server has no ticket key (it wants SASL)');
    }
    const miniHeader = hasCap(reply.commonCaps, COMMON_CAP.MINI_HEADER);
    return ['result', { type: 'reply', ...reply, authSelection, miniHeader }];
  }

  private readResult(): [State, ClientLinkEvent | null] {
    const code = this.pending.take(LINK_WORD_BYTES)?.readUInt32LE(0);
    if (code === undefined) {
      return ['result', null];
    }
    // A server that dislikes the mechanism answers with a whole link error where the result belongs.
    if (code === SPICE_MAGIC) {
      throw new PeerMisbehaved('the server sent a link error in the place of the link result');
    }
    return ['done', { type: 'result', code }];
  }
}
