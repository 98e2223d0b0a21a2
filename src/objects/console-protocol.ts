// SPDX-License-Identifier: Apache-2.0
// What the server of a console speaks.

/** SPICE, or VNC (RFB, RFC 6143). */
export type ConsoleProtocol = 'spice' | 'vnc';

/** The protocols, as sources.yaml and the API have them. */
export const CONSOLE_PROTOCOLS: readonly ConsoleProtocol[] = ['spice', 'vnc'];

/** The protocol of a row. */
export function protocolIn(text: string | null): ConsoleProtocol {
  return text === 'vnc' ? 'vnc' : 'spice';
}

/** What a row keeps of it. */
export function protocolText(protocol: ConsoleProtocol | undefined): string | null {
  return protocol === 'vnc' ? 'vnc' : null;
}
