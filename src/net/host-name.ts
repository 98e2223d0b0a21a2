// SPDX-License-Identifier: Apache-2.0
// Which text names a host that can be dialled.
import { isIP } from 'node:net';

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

/** Whether it is a host name, or an IPv4 or IPv6 address without brackets. */
export function isHost(text: string): boolean {
  // Digits and dots alone are a mistyped address: no host is named so, and it must not be looked up by name.
  return isIP(text) !== 0 || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text));
}
