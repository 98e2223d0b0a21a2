// SPDX-License-Identifier: Apache-2.0
// What both sides of an RFB handshake have in common: numbers, lengths, and the ServerInit by which a server is known.
// Sources: RFC 6143; VeNCrypt as the rfbproto document has it. This folder is bytes in, events out: it imports nothing of
// Kerbside.

/** RFC 6143, section 7.1.1. The only version that is spoken, as by Nova's console proxies. */
export const VERSION = Buffer.from('RFB 003.008\n', 'latin1');
/** Security types, RFC 6143, section 7.2, and the registry of rfbproto. */
export const SECURITY = { invalid: 0, none: 1, vncAuth: 2, vencrypt: 19 } as const;
/** Subtypes of VeNCrypt that stand on certificates. */
export const VENCRYPT = { x509None: 260, x509Vnc: 261 } as const;
/** Bytes of the challenge of VNC authentication, and of its answer. */
export const CHALLENGE_BYTES = 16;
/** Bytes of ServerInit before the name. */
export const SERVER_INIT_BYTES = 24;
/** The longest name of a desktop, and the longest reason of a refusal, that are read. */
export const MAX_TEXT_BYTES = 4096;

/** The peer does not speak RFB, or does not take us. The message names no secret. */
export class RfbFault extends Error {
  /** @param kind `protocol`: it breaks RFB; `refused`: it turns us away; `password`: it does so because of the password */
  constructor(
    readonly kind: 'protocol' | 'refused' | 'password',
    message: string,
  ) {
    super(message);
  }
}

/**
 * Judges the fixed part of a ServerInit (RFC 6143, sections 7.3.2 and 7.4): what is none is no RFB server's.
 *
 * @param head its first {@link SERVER_INIT_BYTES} bytes
 * @returns bytes of the name that follows
 * @throws RfbFault
 */
export function nameLengthOf(head: Buffer): number {
  const [width, height] = [head.readUInt16BE(0), head.readUInt16BE(2)];
  if (width === 0 || height === 0) throw new RfbFault('protocol', 'ServerInit: the screen has no size');
  const [bits, depth] = [head.readUInt8(4), head.readUInt8(5)];
  if (![8, 16, 32].includes(bits) || depth === 0 || depth > bits)
    throw new RfbFault(
      'protocol',
      `ServerInit: ${String(bits)} bits a pixel with a depth of ${String(depth)}`,
    );
  const trueColour = head.readUInt8(7) !== 0;
  if (trueColour && [14, 15, 16].some((at) => head.readUInt8(at) >= bits))
    throw new RfbFault('protocol', 'ServerInit: a colour is shifted out of its pixel');
  const length = head.readUInt32BE(20);
  if (length > MAX_TEXT_BYTES)
    throw new RfbFault(
      'protocol',
      `ServerInit: a name of ${String(length)} bytes; ${String(MAX_TEXT_BYTES)} are read`,
    );
  return length;
}

/** A text of a peer for a log: printable ASCII alone, cut to a line. */
export function shownText(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/[^ -~]/g, '?')
    .slice(0, 200);
}
