// SPDX-License-Identifier: Apache-2.0
// The header of the PROXY protocol, versions 1 (a line of text) and 2 (binary): how a TCP load balancer passes on whose
// connection it passes on. Bytes in, an address out; reads no socket. Source: HAProxy, doc/proxy-protocol.txt.
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import { KerbsideException } from '../../exception.js';
import { plainAddress } from '../address.js';

/** What a complete header says; `length` is its size in bytes, everything behind it belongs to the client. */
export type ProxyHeader =
  /** The connection of a client; IPv4 addresses never in their IPv6 spelling. */
  | { readonly kind: 'client'; readonly address: string; readonly port: number; readonly length: number }
  /** Of the balancer itself, as a health check is (LOCAL), or of a client without an IP address (UNKNOWN, UNIX). */
  | { readonly kind: 'local'; readonly length: number };

/** The bytes are no header of the PROXY protocol, or one that cannot be right. */
export class ProxyHeaderError extends KerbsideException {}

/** The longest line of version 1 with its CRLF: section 2.1. */
const MAX_V1_BYTES = 107;
/** Signature, version, command, family and length of version 2. */
const V2_PREFIX_BYTES = 16;
/**
 * The longest address block with TLVs that is accepted. The protocol asks senders to stay below 536 bytes in all; a
 * balancer that adds the client's certificate name or a cloud's labels may need more.
 */
const MAX_V2_BODY_BYTES = 2048;

const V1_SIGNATURE = Buffer.from('PROXY ', 'latin1');
const V2_SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);

const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
/** Families over a stream: section 2.2. */
const FAMILY = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21, unix: 0x31 } as const;
/** Two IPv4 addresses and ports, two IPv6 addresses and ports, two paths. */
const TCP4_BYTES = 12;
const TCP6_BYTES = 36;
const UNIX_BYTES = 216;

const SHOWN_BYTES = 16;

/**
 * Reads the header at the start of a connection.
 *
 * @param bytes everything that has come so far
 * @returns null while the header may still become complete
 * @throws ProxyHeaderError as soon as it cannot
 */
export function decodeProxyHeader(bytes: Buffer): ProxyHeader | null {
  if (startsLike(bytes, V2_SIGNATURE)) return decodeV2(bytes);
  if (startsLike(bytes, V1_SIGNATURE)) return decodeV1(bytes);
  const shown = bytes.subarray(0, SHOWN_BYTES).toString('hex');
  throw new ProxyHeaderError(`no PROXY protocol header, it begins with the bytes ${shown}`);
}

/** Whether `bytes` and `signature` agree as far as both go. */
function startsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.subarray(0, length).equals(signature.subarray(0, length));
}

function decodeV1(bytes: Buffer): ProxyHeader | null {
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf('\r\n', 0, 'latin1');
  if (end < 0) {
    if (bytes.length < MAX_V1_BYTES) return null;
    throw new ProxyHeaderError(`version 1: no end of line within ${MAX_V1_BYTES} bytes`);
  }
  const length = end + 2;
  const [, family = '', ...fields] = bytes.toString('latin1', 0, end).split(' ');
  switch (family) {
    case 'UNKNOWN':
      // What follows is to be passed over.
      return { kind: 'local', length };
    case 'TCP4':
      return decodeV1Address(fields, isIPv4, length);
    case 'TCP6':
      return decodeV1Address(fields, isBareIPv6, length);
    default:
      throw new ProxyHeaderError('version 1: the family is none of TCP4, TCP6, UNKNOWN');
  }
}

function decodeV1Address(
  fields: readonly string[],
  isAddress: (text: string) => boolean,
  length: number,
): ProxyHeader {
  const [source = '', destination = '', sourcePort = '', destinationPort = ''] = fields;
  if (fields.length !== 4 || !isAddress(source) || !isAddress(destination)) {
    throw new ProxyHeaderError('version 1: two addresses of the family and two ports are expected');
  }
  if (!isPort(sourcePort) || !isPort(destinationPort)) {
    throw new ProxyHeaderError('version 1: a port is not a number from 0 to 65535');
  }
  return { kind: 'client', address: canonical(source), port: Number(sourcePort), length };
}

function decodeV2(bytes: Buffer): ProxyHeader | null {
  if (bytes.length < V2_PREFIX_BYTES) return null;
  const command = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const bodyLength = bytes.readUInt16BE(14);
  if (command !== V2_LOCAL && command !== V2_PROXY) {
    throw new ProxyHeaderError(`version 2: unknown version and command 0x${command.toString(16)}`);
  }
  if (bodyLength > MAX_V2_BODY_BYTES) {
    throw new ProxyHeaderError(`version 2: ${bodyLength} bytes are more than ${MAX_V2_BODY_BYTES}`);
  }
  const length = V2_PREFIX_BYTES + bodyLength;
  if (bytes.length < length) return null;
  if (command === V2_LOCAL) return { kind: 'local', length };
  return decodeV2Address(bytes.subarray(V2_PREFIX_BYTES, length), family, length);
}

/** Behind the addresses may stand TLVs: nothing here needs one. */
function decodeV2Address(body: Buffer, family: number, length: number): ProxyHeader {
  switch (family) {
    case FAMILY.unspecified:
      return { kind: 'local', length };
    case FAMILY.tcp4:
      demand(body, TCP4_BYTES);
      return {
        kind: 'client',
        address: [...body.subarray(0, 4)].join('.'),
        port: body.readUInt16BE(8),
        length,
      };
    case FAMILY.tcp6:
      demand(body, TCP6_BYTES);
      return { kind: 'client', address: canonical(groups(body)), port: body.readUInt16BE(32), length };
    case FAMILY.unix:
      demand(body, UNIX_BYTES);
      return { kind: 'local', length };
    default:
      throw new ProxyHeaderError(`version 2: family 0x${family.toString(16)} is no TCP connection`);
  }
}

function demand(body: Buffer, size: number): void {
  if (body.length >= size) return;
  throw new ProxyHeaderError(`version 2: ${body.length} bytes are too few for addresses of this family`);
}

/** The first sixteen bytes as an IPv6 address, without abbreviation. */
function groups(body: Buffer): string {
  return Array.from({ length: 8 }, (_, index) => body.readUInt16BE(index * 2).toString(16)).join(':');
}

/** One spelling for each address, so that limits count it as one. */
function canonical(address: string): string {
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  return plainAddress(new SocketAddress({ address, family }).address);
}

function isBareIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff;
}
