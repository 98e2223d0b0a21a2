// SPDX-License-Identifier: Apache-2.0
// The sentences of the audit trail that others look for: word for word those of the original.
import type { CloseReason, LocationFault } from '../close-reason.js';

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

/** A channel is refused by the guest policy, and by which rule of it: `guest_policy_usb` and the like. */
export const channelForbiddenBy = (rule: string): string => `Channel not permitted by guest policy: ${rule}`;

/** A list of access does not let the user of a session open its console any more. */
export const ACCESS_TAKEN_AWAY = 'Session ended: its user may not open the console any more';

/** 'Hypervisor connection failed: <err>' */
export const hypervisorFailed = (fault: string): string => `Hypervisor connection failed: ${fault}`;

/** 'Console configuration changed: <fields>', column names as the original has them. */
export const consoleChanged = (fields: readonly string[]): string =>
  `Console configuration changed: ${fields.join(', ')}`;

/** Sessions of a node that is taken for dead. */
export const NODE_AUDIT = {
  lost: 'Node lost',
  returned: 'Node back, the session goes on',
} as const;

/** A session ended because one of its channels was lost, and how. */
export const endedByLoss = (channel: string, reason: CloseReason): string =>
  `Session ended: its ${channel} channel was lost (${reason})`;

/** What becomes of the recording of a session. */
export const RECORDING_AUDIT = {
  begun: 'Recording begun',
  gap: 'Recording has gaps: the disk is too slow',
  ended: (bytes: number): string => `Recording ended: ${bytes} bytes`,
  failed: (why: string, bytes: number): string => `Recording failed: ${why}, after ${bytes} bytes`,
  refused: (why: string): string => `Session refused: it cannot be recorded: ${why}`,
} as const;

/** How many clients were denied because their tickets could not be checked. */
export const refusedWhileAway = (channels: number): string =>
  `Channels refused while the database was away: ${channels}`;

/** Another user has opened the console, and this session gave way. */
export const replacedMessage = (user: string): string => `Session replaced by ${user}`;

/** Events of the instance of a live session; without the names of hosts. */
export const MOVE_AUDIT = {
  moving: 'Instance is moving',
  moved: 'Instance has moved to another host',
  stayed: 'Instance stays on its host',
} as const;

/** Live migrations as a session sees them; without the names of hosts. */
export const MIGRATION_AUDIT = {
  announced: 'Migration announced to the client',
  ready: 'Migration: the client is connected to both hypervisors',
  switched: 'Migration: the client was told to connect again',
  completed: 'Migration completed: the session goes on at another hypervisor',
  failed: 'Migration given up: it failed',
  cancelled: 'Migration cancelled by the hypervisor',
  overtaken: 'Migration: the guest has moved before the client was ready',
} as const;

/** The hypervisor named a place that its guest may not be followed to, and why. */
export const migrationRefused = (why: string): string => `Migration refused: ${why}`;

/** The client was on its way to the destination of a migration, and its channel ended before it came up. */
export const migrationFailed = (reason: string): string => `Migration failed: ${reason}`;

/** What the proxy finds out about an instance of a cloud. */
export const INSTANCE_AUDIT = {
  wrongGuest: 'Refused: the hypervisor answered with the screen of another machine',
  unknownGuest: 'Refused: the hypervisor did not tell whose screen it shows',
  unverified: 'The cloud could not be asked about the instance; its last known address is used',
} as const;

/** The instance cannot be connected to now, and why. */
export const instanceRefused = (why: LocationFault): string => `Channel refused: ${INSTANCE[why]}`;

const INSTANCE = {
  gone: 'the instance is gone',
  stopped: 'the instance is not running',
  moving: 'the instance is being moved to another host',
  building: 'the instance is not ready yet',
  stale: 'the instance runs on another host, and Nova does not tell its new address',
} as const satisfies Record<LocationFault, string>;

/** The platform made no ticket for the channel, and why. */
export const ticketNotMinted = (why: string): string => `Channel refused: ticket not minted: ${why}`;

/** A session ended because of what Nova said of its instance: `instance.delete.end` and the like. */
export const endedByInstance = (event: string): string => `Session ended: Nova reports ${event}`;

/** A signed console token of the platform became one of Kerbside. */
export const signedTokenExchanged = (platform: string): string => `${platform} console token exchanged`;

/** A signed console token was good, and was refused even so. */
export const signedTokenRejected = (
  platform: string,
  why: 'token already used' | 'console not found',
): string => `Rejected ${platform} console token: ${why}`;

/** A direct .vv was handed to an administrator. */
export const directIssued = (user: string): string => `Issued direct hypervisor credential to ${user}`;

/** Someone who is no administrator asked for a direct .vv. */
export const directRefused = (user: string): string =>
  `Refused direct console credential to non-admin user ${user}`;

/** Retention has removed events of the audit trail. */
export const eventsRemoved = (events: number): string => `Audit events removed by retention: ${events}`;

/** What operators do at the command line beside sessions and consoles; under no source and no console. */
export const AUDIT_ACT = {
  userCreated: (user: string, admin: boolean): string =>
    `User created: ${user}${admin ? ', an administrator' : ''}`,
  userDeleted: (user: string): string => `User deleted: ${user}`,
  passwordSet: (user: string): string => `User has a new password: ${user}`,
  joined: (user: string, group: string): string => `User put into group ${group}: ${user}`,
  left: (user: string, group: string): string => `User taken out of group ${group}: ${user}`,
  keyPrepared: (id: string): string => `Encryption key prepared: ${id}`,
  keyRotated: (id: string): string => `Encryption key rotated: ${id} is in use`,
  exported: (from: string, to: string): string => `Audit trail exported: from ${from} to ${to}`,
  holdPlaced: (name: string, reason: string): string => `Legal hold placed: ${name}: ${reason}`,
  holdReleased: (name: string): string => `Legal hold released: ${name}`,
} as const;

/** policy.yaml has changed, and which rules of it. */
export const policyChanged = (rules: readonly string[]): string => `Policy changed: ${rules.join(', ')}`;

/** A rule of the policy let a user not do something. */
export const requestRefused = (method: string, path: string, rule: string, before: number): string =>
  `Request refused: ${method} ${path} by ${rule}${before === 0 ? '' : `; ${before} others before it were not written down`}`;
