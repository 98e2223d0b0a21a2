// SPDX-License-Identifier: Apache-2.0
// What a source, or a console, of sources.yaml says for itself about how sessions are treated. One more setting is a key, a
// line that reads it, and a member of OwnSettings.
import { CHANNEL_NAMES } from '../../conf/channel-names.js';
import { RATE_PATTERN } from '../../conf/firewall-rate.js';
import { CONCURRENT_SESSIONS_SETTINGS } from '../../objects/concurrent-sessions.js';
import { MESSAGE_SCREEN_SETTINGS } from '../../objects/message-screen-setting.js';
import {
  FIREWALL_MODES,
  MIGRATION_MODES,
  type MigrationMode,
  type OwnFirewall,
  type OwnSettings,
} from '../../objects/own-settings.js';
import { PACING_MODES } from '../../objects/pacing-mode.js';
import { accessIn } from './access-reader.js';
import { FieldFault, type FieldReader } from './field-reader.js';
import { consolePolicyIn, sourcePolicyIn } from './guest-policy-reader.js';

/** The keys of settings, in a source and in a console. */
export const OWN_SETTINGS_KEYS = [
  'pacing_mode',
  'message_screen',
  'firewall',
  'migration',
  'guest_policy',
  'record',
  'record_projects',
  'access',
  'concurrent_sessions',
] as const;

const YES_OR_NO = ['true', 'false'] as const;
/** As Keystone makes them, and names of no more than that. */
const PROJECT_ID = /^[\w.-]{1,64}$/;

/** The settings among the fields; nothing where there are none. @param of whose they are: a source may name projects */
export function ownSettingsIn(
  fields: FieldReader,
  of: 'source' | 'console',
): { readonly settings?: OwnSettings } {
  const pacingMode = fields.word('pacing_mode', PACING_MODES);
  const messageScreen = fields.word('message_screen', MESSAGE_SCREEN_SETTINGS);
  const firewall = firewallIn(fields.within('firewall'));
  const migrationMode = migrationModeIn(fields.within('migration'));
  const policy = fields.within('guest_policy');
  const guestPolicy = of === 'source' ? sourcePolicyIn(policy) : consolePolicyIn(policy);
  const record = fields.word('record', YES_OR_NO);
  const recordProjects = fields.list('record_projects', projectId);
  const access = accessIn(fields);
  const concurrentSessions = fields.word('concurrent_sessions', CONCURRENT_SESSIONS_SETTINGS);
  const settings = {
    ...(pacingMode === null ? {} : { pacingMode }),
    ...(messageScreen === null ? {} : { messageScreen }),
    ...(firewall === null ? {} : { firewall }),
    ...(migrationMode === null ? {} : { migrationMode }),
    ...(guestPolicy === null ? {} : { guestPolicy }),
    ...(record === null ? {} : { record: record === 'true' }),
    ...(recordProjects === null ? {} : { recordProjects }),
    ...(access === null ? {} : { access }),
    ...(concurrentSessions === null ? {} : { concurrentSessions }),
  };
  return Object.keys(settings).length === 0 ? {} : { settings };
}

function firewallIn(fields: FieldReader | null): OwnFirewall | null {
  if (fields === null) return null;
  fields.checkKeys(['mode', 'permitted_channels', 'rates']);
  const mode = fields.word('mode', FIREWALL_MODES);
  const permittedChannels = fields.list('permitted_channels', channelName);
  const rates = fields.list('rates', rate);
  return {
    ...(mode === null ? {} : { mode }),
    ...(permittedChannels === null ? {} : { permittedChannels }),
    ...(rates === null ? {} : { rates }),
  };
}

function migrationModeIn(fields: FieldReader | null): MigrationMode | null {
  if (fields === null) return null;
  fields.checkKeys(['mode']);
  return fields.word('mode', MIGRATION_MODES);
}

function channelName(text: string): string | FieldFault {
  const known: readonly string[] = CHANNEL_NAMES;
  if (known.includes(text)) return text;
  return new FieldFault(`${JSON.stringify(text)} is no channel; give some of ${known.join(', ')}`);
}

function projectId(text: string): string | FieldFault {
  if (PROJECT_ID.test(text)) return text;
  return new FieldFault(`${JSON.stringify(text)} is no id of a project; give ids as the cloud shows them`);
}

function rate(text: string): string | FieldFault {
  if (RATE_PATTERN.accepts.test(text)) return text;
  return new FieldFault(`${JSON.stringify(text)} is no rate; give ${RATE_PATTERN.expected}`);
}
