// SPDX-License-Identifier: Apache-2.0
// How clients' addresses are named and counted, on every surface alike. Text in, text out.
import { isIPv6 } from 'node:net';

/** The address as logs, rows and the audit trail know it: IPv4 never in its IPv6 spelling; '' when unknown. */
export function plainAddress(address = ''): string {
  if (isPlain(address)) return address;
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/**
 * What limits count as one address: an IPv4 address, or the /64 network that one IPv6 subscriber has all to themself
 * (RFC 6177).
 */
export function networkOf(address: string): string {
  if (isPlain(address)) return address;
  const bare = plainAddress(address).replace(/%.*$/, '');
  if (!isIPv6(bare)) return bare;
  const [head = '', tail = ''] = bare.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === '' ? [] : tail.split(':');
  const gap = bare.includes('::')
    ? new Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
    : [];
  const groups = [...front, ...gap, ...back].slice(0, 4).map((group) => parseInt(group, 16).toString(16));
  return `${groups.join(':')}::/64`;
}

/** An IPv4 address in its usual spelling, or no address: asked a dozen times for each connection. */
function isPlain(address: string): boolean {
  return !address.includes(':') && !address.includes('%');
}
