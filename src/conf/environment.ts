// SPDX-License-Identifier: Apache-2.0
// Options from the environment: OS_<GROUP>__<OPTION> as oslo.config has it, and the older KERBSIDE_<NAME>. An older
// name works, with one warning that says what to use instead; a name that nothing reads gets a warning as well, since
// a mistyped one would otherwise pass in silence.
import { listGroups } from './groups.js';
import { didYouMean } from './suggestion.js';
import type { DeprecatedEnv, OptionSpec } from './types.js';
import { quoted, ValueFault } from './values.js';

const OLD_PREFIX = 'KERBSIDE_';

/** Older names that have no counterpart (yet); accepted so that an existing environment file still starts. */
const UNUSED = [
  'API_GRPC_WORKERS',
  'API_SOCKET_PATH',
  'PROXY_BACKEND_RCVBUF_BYTES',
  'PROXY_BIN',
  'PROXY_CLIENT_NOTSENT_LOWAT_BYTES',
  'SKIP_CONTRACT_CHECK',
];

/** The text of an option and where it was found. */
export interface Given {
  readonly text: string;
  readonly origin: string;
  /** A `$` in it is a `$`: the original knows no substitution. */
  readonly literal?: true;
}

/** OS_<GROUP>__<OPTION>, the environment name of an option. */
export function environmentName(group: string, option: string): string {
  return `OS_${group}__${option}`.toUpperCase();
}

/** KERBSIDE_<NAME>, the older environment name of an option. */
export function olderName(deprecated: DeprecatedEnv): string {
  return OLD_PREFIX + deprecated.name;
}

/** Every environment name that may hold a secret, URLs with a password included: for processes that have no need of one. */
export function secretNames(): string[] {
  return listGroups().flatMap(([, group]) =>
    Object.entries(group.options).flatMap(([option, spec]: [string, OptionSpec]) => {
      if (spec.type !== 'secret' && !('redact' in spec)) return [];
      const older = spec.deprecatedEnv === undefined ? [] : [olderName(spec.deprecatedEnv)];
      return [environmentName(group.name, option), ...older];
    }),
  );
}

function convert(text: string, deprecated: DeprecatedEnv): string {
  const replaced = deprecated.values?.[text];
  if (replaced !== undefined) return replaced;
  if (deprecated.unit !== 'minutes') return text;
  if (!/^\d{1,9}$/.test(text.trim())) {
    throw new ValueFault(
      `${quoted(text)} is not a whole number of minutes`,
      'give whole minutes, such as 10',
    );
  }
  return String(Number(text) * 60);
}

/**
 * The text that the environment gives for an option.
 *
 * @param warnings takes one line when the older name is set
 * @returns undefined when neither name is set
 * @throws ValueFault when the older name holds no whole number of minutes
 */
export function fromEnvironment(
  env: NodeJS.ProcessEnv,
  where: { readonly group: string; readonly option: string },
  spec: OptionSpec,
  warnings: string[],
): Given | undefined {
  const name = environmentName(where.group, where.option);
  const text = env[name];
  const old = spec.deprecatedEnv;
  const oldText = old === undefined ? undefined : env[olderName(old)];
  if (old !== undefined && oldText !== undefined) {
    const unit = old.unit === undefined ? '' : ', in seconds instead of minutes';
    const advice = `use [${where.group}] ${where.option} or ${name}${unit}`;
    warnings.push(
      text === undefined
        ? `${olderName(old)} is a deprecated name: ${advice}`
        : `${olderName(old)} is ignored because ${name} is set: ${advice}`,
    );
  }
  if (text !== undefined) return { text, origin: name };
  if (old === undefined || oldText === undefined) return undefined;
  return { text: convert(oldText, old), origin: olderName(old), literal: true };
}

function unreadOld(env: NodeJS.ProcessEnv): string[] {
  const read = listGroups().flatMap(([, group]) =>
    Object.values(group.options).flatMap((spec) =>
      spec.deprecatedEnv === undefined ? [] : [spec.deprecatedEnv.name],
    ),
  );
  const names = Object.keys(env)
    .filter((name) => name.startsWith(OLD_PREFIX))
    .sort();
  return names.flatMap((name) => {
    const bare = name.slice(OLD_PREFIX.length);
    if (read.includes(bare)) return [];
    if (UNUSED.includes(bare)) return [`${name} is not used by this release`];
    return [
      `${name} is not a name that Kerbside reads${didYouMean(
        name,
        read.map((known) => OLD_PREFIX + known),
      )}`,
    ];
  });
}

function unreadNew(env: NodeJS.ProcessEnv): string[] {
  return listGroups().flatMap(([, group]) => {
    const prefix = environmentName(group.name, '');
    const names = [...Object.keys(group.options), ...(group.ignored ?? [])];
    const read = names.map((option) => environmentName(group.name, option));
    return Object.keys(env)
      .filter((name) => name.startsWith(prefix) && !read.includes(name))
      .sort()
      .map((name) => `${name} is not an option of [${group.name}]${didYouMean(name, read)}`);
  });
}

/** One warning for each name in the environment that looks like ours and that nothing reads. */
export function unreadNames(env: NodeJS.ProcessEnv): string[] {
  return [...unreadOld(env), ...unreadNew(env)];
}
