// SPDX-License-Identifier: Apache-2.0
// The sentences of the audit trail that others look for: word for word those of the original.

/** Fixed audit messages. */
export const AUDIT = {
  tokenCreated: 'Created authentication token for session.',
  channelCreated: 'Channel created',
  invalidConsole: 'Invalid console requested',
  hypervisorConnected: 'Hypervisor connection successful',
  sessionTerminated: 'Session terminated by request',
  consoleDiscovered: 'Discovered new console',
  consoleGone: 'Console no longer available',
  sourceGone: 'Source no longer available',
  tokenReaped: 'Reaped expired and unused token',
  channelForbidden: 'Channel type not permitted by firewall policy',
} as const;

/** 'Hypervisor connection failed: <err>' */
export const hypervisorFailed = (fault: string): string => `Hypervisor connection failed: ${fault}`;

/** 'Console configuration changed: <fields>', column names as the original has them. */
export const consoleChanged = (fields: readonly string[]): string =>
  `Console configuration changed: ${fields.join(', ')}`;

/** A direct .vv was handed to an administrator. */
export const directIssued = (user: string): string => `Issued direct hypervisor credential to ${user}`;

/** Someone who is no administrator asked for a direct .vv. */
export const directRefused = (user: string): string =>
  `Refused direct console credential to non-admin user ${user}`;
