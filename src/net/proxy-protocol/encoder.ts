// SPDX-License-Identifier: Apache-2.0
// Writes the header of the PROXY protocol, version 2, for a client whose bytes are passed on. Source: HAProxy,
// doc/proxy-protocol.txt, section 2.2.
import { isIPv4, isIPv6 } from 'node:net';

/** One end of a TCP connection. */
export interface Endpoint {
  /** IPv4 or IPv6, '' when it is not known. */
  readonly address: string;
  readonly port: number;
}

const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const LOCAL = 0x20;
const PROXY = 0x21;
const UNSPECIFIED = 0x00;
const TCP4 = 0x11;
const TCP6 = 0x21;

/** The header: LOCAL when the client's address is not known; IPv6 for both when only one of them is IPv4. */
export function encodeProxyHeader(client: Endpoint, server: Endpoint): Buffer {
  if (isIPv4(client.address) && isIPv4(server.address)) {
    return header(PROXY, TCP4, [bytes4(client.address), bytes4(server.address), ports(client, server)]);
  }
  const [from, to] = [client, server].map(({ address }) => bytes16(address));
  if (!from || !to) return header(LOCAL, UNSPECIFIED, []);
  return header(PROXY, TCP6, [from, to, ports(client, server)]);
}

function header(command: number, family: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(4);
  head.writeUInt8(command, 0);
  head.writeUInt8(family, 1);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([SIGNATURE, head, body]);
}

function ports(client: Endpoint, server: Endpoint): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(client.port, 0);
  bytes.writeUInt16BE(server.port, 2);
  return bytes;
}

function bytes4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

/** An IPv4 address in the form that IPv6 has for it; null for what is no address. */
function bytes16(address: string): Buffer | null {
  const bare = address.replace(/%.*$/, '');
  if (isIPv4(bare)) return Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), bytes4(bare)]);
  if (!isIPv6(bare)) return null;
  const [head = '', tail = ''] = bare.split('::');
  const [front, back] = [groups(head), groups(tail)];
  const bytes = Buffer.alloc(16);
  Buffer.from(front).copy(bytes, 0);
  Buffer.from(back).copy(bytes, 16 - back.length);
  return bytes;
}

/** Groups between colons as bytes; the last one may be an IPv4 address. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return [...bytes4(group)];
    const value = parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
