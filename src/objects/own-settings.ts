// SPDX-License-Identifier: Apache-2.0
// What a source, or a console, says for itself in sources.yaml about how sessions are treated. What nobody says is absent:
// then the options hold. A row keeps it as one JSON object with the keys of sources.yaml; one more setting is a member here
// and a line in the reader of the file, and no column.
import { levelsOf, type GuestPolicyLevel, type OwnGuestPolicy } from './guest-policy-levels.js';
import { ownPolicyIn, ownPolicyRecord } from './guest-policy-record.js';
import { entriesAsJson, entriesIn, type AccessEntry } from './access-list.js';
import { concurrentSessionsOf, type ConcurrentSessionsSetting } from './concurrent-sessions.js';
import { messageScreenSettingOf, type MessageScreenSetting } from './message-screen-setting.js';
import { pacingModeOf, type PacingMode } from './pacing-mode.js';
import { recordOf } from './row-json.js';

/** Of [firewall], what a source or a console may say for itself. */
export interface OwnFirewall {
  readonly mode?: FirewallMode;
  /** Names of channels. */
  readonly permittedChannels?: readonly string[];
  /** As [firewall] rates has them. */
  readonly rates?: readonly string[];
}

/** `warn`: broken rules are recorded; `off`: nobody looks. */
export type FirewallMode = 'enforce' | 'warn' | 'off';

/** The modes, as sources.yaml has them. */
export const FIREWALL_MODES: readonly FirewallMode[] = ['enforce', 'warn', 'off'];

/** What becomes of sessions whose guest is moved while it runs: [migration] mode has the words. */
export type MigrationMode = 'robust' | 'seamless' | 'off';

/** The modes, as sources.yaml has them. */
export const MIGRATION_MODES: readonly MigrationMode[] = ['robust', 'seamless', 'off'];

/** All that a source or a console may say for itself. */
export interface OwnSettings {
  /** How its sessions are paced on slow links. */
  readonly pacingMode?: PacingMode;
  /** Whether viewers are shown why a desktop does not come up. */
  readonly messageScreen?: MessageScreenSetting;
  readonly firewall?: OwnFirewall;
  /** How its sessions follow a guest that is moved. */
  readonly migrationMode?: MigrationMode;
  /** What data may enter and leave its desktops. */
  readonly guestPolicy?: OwnGuestPolicy;
  /** Whether its sessions are recorded. */
  readonly record?: boolean;
  /** Ids of projects whose sessions are recorded, where `record` says nothing. */
  readonly recordProjects?: readonly string[];
  /** Who may open it; absent: the policy alone says so. */
  readonly access?: readonly AccessEntry[];
  /** What happens to a second session at its consoles. */
  readonly concurrentSessions?: ConcurrentSessionsSetting;
}

/** What holds for the sessions at a console before the options are looked at. */
export interface SessionOwnSettings extends Omit<OwnSettings, 'guestPolicy'> {
  /** Widest place first; absent: nobody says anything. */
  readonly guestPolicy?: readonly GuestPolicyLevel[];
}

/** Nobody says anything. */
export const NO_SETTINGS: OwnSettings = {};

/** The text of a row; null: nothing is said. The same settings give the same text. */
export function settingsText({ pacingMode, messageScreen, firewall, ...more }: OwnSettings): string | null {
  const text = JSON.stringify({
    pacing_mode: pacingMode,
    message_screen: messageScreen,
    firewall:
      firewall === undefined
        ? undefined
        : { mode: firewall.mode, permitted_channels: firewall.permittedChannels, rates: firewall.rates },
    migration: more.migrationMode === undefined ? undefined : { mode: more.migrationMode },
    guest_policy: ownPolicyRecord(more.guestPolicy),
    record: more.record,
    record_projects: more.recordProjects,
    access: more.access === undefined ? undefined : entriesAsJson(more.access),
    concurrent_sessions: more.concurrentSessions,
  });
  return text === '{}' ? null : text;
}

/** What the text of a row says; what is no setting, or none that this version knows, is left out. */
export function settingsIn(text: string | null): OwnSettings {
  if (text === null) return NO_SETTINGS;
  const { pacing_mode: pacing, message_screen: screen, firewall, ...more } = recordOf(parsed(text));
  const {
    migration,
    guest_policy: policy,
    record,
    record_projects: projects,
    access,
    concurrent_sessions: concurrent,
  } = more;
  const pacingMode = pacingModeOf(textOf(pacing));
  const messageScreen = messageScreenSettingOf(textOf(screen));
  const concurrentSessions = concurrentSessionsOf(textOf(concurrent));
  const migrationMode = migration === undefined ? undefined : migrationModeOf(recordOf(migration));
  return {
    ...(pacingMode === null ? {} : { pacingMode }),
    ...(messageScreen === null ? {} : { messageScreen }),
    ...(firewall === undefined ? {} : { firewall: firewallOf(recordOf(firewall)) }),
    ...(migrationMode === undefined ? {} : { migrationMode }),
    ...(policy === undefined ? {} : { guestPolicy: ownPolicyIn(recordOf(policy)) }),
    ...(typeof record === 'boolean' ? { record } : {}),
    ...(Array.isArray(projects) ? { recordProjects: projects.map(String) } : {}),
    ...(access === undefined ? {} : { access: entriesIn(access) }),
    ...(concurrentSessions === null ? {} : { concurrentSessions }),
  };
}

/** What holds for a console: its own settings, where it has none those of its source. */
export function narrowest(
  { guestPolicy: ofConsole, ...console }: OwnSettings,
  { guestPolicy: ofSource, ...source }: OwnSettings,
  at: { readonly source: string; readonly projectId: string | null },
): SessionOwnSettings {
  const firewall = { ...source.firewall, ...console.firewall };
  const guestPolicy = levelsOf(ofConsole, ofSource, at);
  return {
    ...source,
    ...console,
    ...(Object.keys(firewall).length === 0 ? {} : { firewall }),
    ...(guestPolicy.length === 0 ? {} : { guestPolicy }),
  };
}

/** What a console, or else its source, says about a second session; null: neither says anything. */
export function concurrentSessionsIn(row: {
  readonly settings: string | null;
  readonly source_settings: string | null;
}): ConcurrentSessionsSetting | null {
  const { concurrentSessions } = { ...settingsIn(row.source_settings), ...settingsIn(row.settings) };
  return concurrentSessions ?? null;
}

/** Whether a session of a project is recorded. */
export function isRecorded(
  { record, recordProjects }: Pick<OwnSettings, 'record' | 'recordProjects'>,
  projectId: string | null,
): boolean {
  return record ?? (projectId !== null && recordProjects?.includes(projectId) === true);
}

function migrationModeOf({ mode }: Readonly<Record<string, unknown>>): MigrationMode | undefined {
  return MIGRATION_MODES.find((word) => word === mode);
}

function firewallOf({
  mode,
  permitted_channels: channels,
  rates,
}: Readonly<Record<string, unknown>>): OwnFirewall {
  const known = FIREWALL_MODES.find((word) => word === mode);
  return {
    ...(known === undefined ? {} : { mode: known }),
    ...(Array.isArray(channels) ? { permittedChannels: channels.map(String) } : {}),
    ...(Array.isArray(rates) ? { rates: rates.map(String) } : {}),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
