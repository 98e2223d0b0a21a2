// SPDX-License-Identifier: Apache-2.0
// Parses the messages that Kerbside's processes send each other: one that is not exactly of a form that this release knows
// is rejected. Pure.
import type { FanoutMessage } from './fanout.js';

type Method = FanoutMessage['method'];
type Args = Readonly<Record<string, unknown>>;
type ArgsOf<M extends Method> = Extract<FanoutMessage, { method: M }>['args'];

const CHANGES: readonly ArgsOf<'console_changed'>['change'][] = [
  'moving',
  'moved',
  'stayed',
  'changed',
  'removed',
];
const MAX_TEXT = 255;

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function readSessionEnded(args: Args): FanoutMessage | undefined {
  const { session_id, generation, terminated, replaced } = args;
  if (!isText(session_id) || !isCount(generation) || typeof terminated !== 'boolean') return undefined;
  // A release that does not know it sends none.
  const why = replaced === true ? ({ replaced } as const) : {};
  return { method: 'session_ended', args: { session_id, generation, terminated, ...why } };
}

function readConsoleChanged(args: Args): FanoutMessage | undefined {
  const { source, uuid } = args;
  const change = CHANGES.find((known) => known === args['change']);
  if (!isText(source) || !isText(uuid) || change === undefined) return undefined;
  return { method: 'console_changed', args: { source, uuid, change } };
}

function readSettingsChanged({ source }: Args): FanoutMessage | undefined {
  return isText(source) ? { method: 'settings_changed', args: { source } } : undefined;
}

function readMigrationEnded(args: Args): FanoutMessage | undefined {
  const { session_id, migration } = args;
  if (!isText(session_id) || !isCount(migration)) return undefined;
  return { method: 'migration_ended', args: { session_id, migration } };
}

function readScreenEvent({
  session_id,
  connection_id,
  what,
  width,
  height,
}: Args): FanoutMessage | undefined {
  if (!isText(session_id) || !isCount(connection_id)) return undefined;
  if (what === 'key' || what === 'shown')
    return { method: 'screen_event', args: { session_id, connection_id, what } };
  if (what !== 'size' || !isCount(width) || !isCount(height)) return undefined;
  return { method: 'screen_event', args: { session_id, connection_id, what, width, height } };
}

const READERS: { readonly [M in Method]: (args: Args) => FanoutMessage | undefined } = {
  session_ended: readSessionEnded,
  console_changed: readConsoleChanged,
  settings_changed: readSettingsChanged,
  migration_ended: readMigrationEnded,
  screen_event: readScreenEvent,
  policy_changed: () => ({ method: 'policy_changed', args: {} }),
};

/**
 * The message of a method and its arguments.
 *
 * @returns undefined when the method is unknown or an argument is missing or of another type
 */
export function readFanoutMessage(method: string, args: Args): FanoutMessage | undefined {
  if (!Object.hasOwn(READERS, method)) return undefined;
  return READERS[method as Method](args);
}
