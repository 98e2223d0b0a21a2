// SPDX-License-Identifier: Apache-2.0
// Loads the configuration: for each option the environment, else the files, else the default; then freezes it.
// A value that does not fit stops the start with a ConfError; what is merely odd becomes a warning, which the
// program logs once.
import { ConfError } from '../exception.js';
import { fromEnvironment, unreadNames } from './environment.js';
import type { Given } from './environment.js';
import { readFiles } from './files.js';
import type { ConfArgs } from './files.js';
import { listGroups } from './groups.js';
import type { Conf } from './groups.js';
import type { Assignment } from './parser.js';
import { didYouMean } from './suggestion.js';
import { propertyName } from './types.js';
import type { GroupSpec, OptionSpec, OptionValue, Resolved } from './types.js';
import { readValue, showValue, ValueFault } from './values.js';

export type { Conf } from './groups.js';
export type { ConfArgs } from './files.js';

/** The configuration and what is odd about it, one line for each oddity. */
export interface LoadedConf {
  readonly conf: Conf;
  readonly warnings: readonly string[];
}

type Values = Record<string, Record<string, OptionValue>>;

/** The value that the original shipped for "nobody has set the seed". */
const UNCONFIGURED = '~~unconfigured~~';
const SHORT_SEED = 32;

function unknownNames(files: readonly Assignment[][]): string[] {
  const groups = new Map(listGroups().map(([, group]) => [group.name, group]));
  const warned = new Set<string>();
  return files.flat().flatMap((found) => {
    const group = groups.get(found.group);
    const where = `${found.file} line ${found.line}: [${found.group}]`;
    if (group === undefined) {
      const key = `${found.file} [${found.group}]`;
      if (warned.has(key)) return [];
      warned.add(key);
      return [
        `${where} is not a group of kerbside, its options are ignored${didYouMean(found.group, [...groups.keys()])}`,
      ];
    }
    if (Object.hasOwn(group.options, found.option) || group.ignored?.includes(found.option) === true)
      return [];
    return [
      `${where} ${found.option} is not an option${didYouMean(found.option, Object.keys(group.options))}`,
    ];
  });
}

function fromFiles(
  files: readonly Assignment[][],
  where: { readonly group: string; readonly option: string },
  spec: OptionSpec,
  warnings: string[],
): Given | undefined {
  const inEach = files.map((file) =>
    file.filter((a) => a.group === where.group && a.option === where.option),
  );
  for (const hits of inEach) {
    if (hits.length < 2 || spec.type === 'list' || spec.type === 'dict') continue;
    const lines = hits.map((hit) => hit.line).join(', ');
    warnings.push(
      `${hits[0]?.file ?? ''}: [${where.group}] ${where.option} is set more than once (lines ${lines}), the last one counts`,
    );
  }
  const winner = inEach.findLast((hits) => hits.length > 0);
  const last = winner?.at(-1);
  if (winner === undefined || last === undefined) return undefined;
  const joined =
    spec.type === 'list' || spec.type === 'dict' ? winner.map((hit) => hit.value).join(',') : last.value;
  return { text: joined, origin: `${last.file} line ${last.line}` };
}

function isText(value: OptionValue): value is string {
  return typeof value === 'string';
}

/** Reads one option after the other, so that a derived default can look at those before it. */
class Loader {
  readonly values: Values = {};
  readonly warnings: string[] = [];

  constructor(
    private readonly files: readonly Assignment[][],
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  readonly resolved: Resolved = (group, option) => {
    const value = this.values[group]?.[option] ?? '';
    return isText(value) ? value : '';
  };

  load(group: GroupSpec): void {
    const values: Record<string, OptionValue> = {};
    this.values[group.name] = values;
    for (const [option, spec] of Object.entries(group.options))
      values[option] = this.read(group.name, option, spec);
  }

  private read(group: string, option: string, spec: OptionSpec): OptionValue {
    let origin: string | undefined;
    try {
      const where = { group, option };
      const inFiles = fromFiles(this.files, where, spec, this.warnings);
      const given = fromEnvironment(this.env, where, spec, this.warnings) ?? inFiles;
      origin = given?.origin;
      const value = given === undefined ? readDefault(spec) : readValue(given.text, spec);
      return isText(value) && value === '' && 'derived' in spec ? spec.derived.from(this.resolved) : value;
    } catch (error) {
      if (!(error instanceof ValueFault)) throw error;
      const from = origin ?? this.originOf(spec);
      throw new ConfError(group, option, `${error.fault} (from ${from})`, error.remedy);
    }
  }

  /** A fault in an older name arises before its origin is known. */
  private originOf(spec: OptionSpec): string {
    return spec.deprecatedEnv === undefined ? 'the default' : `KERBSIDE_${spec.deprecatedEnv.name}`;
  }
}

function readDefault(spec: OptionSpec): OptionValue {
  return spec.type === 'secret' ? readValue(spec.default, spec) : Object.freeze(spec.default);
}

function checkPairs(conf: Conf): void {
  const { certPath, keyPath } = conf.spice;
  if (certPath.length === keyPath.length) return;
  throw new ConfError(
    'spice',
    'key_path',
    `${keyPath.length} keys for ${certPath.length} certificates in cert_path`,
    'name one key for each certificate, in the same order',
  );
}

function checkHeartbeat(conf: Conf): void {
  const { reportInterval, serviceDownTime } = conf.default;
  if (serviceDownTime >= 3 * reportInterval) return;
  throw new ConfError(
    'DEFAULT',
    'service_down_time',
    `${serviceDownTime} s is less than three times report_interval (${reportInterval} s)`,
    'raise it, or lower report_interval: one late heartbeat must not make a live node dead',
  );
}

function build(values: Values): Conf {
  const groups = listGroups().map(([property, group]) => {
    const options = Object.entries(values[group.name] ?? {}).map(([option, value]) => [
      propertyName(option),
      value,
    ]);
    return [property, Object.freeze(Object.fromEntries(options))] as const;
  });
  // The shape follows from the same declarations as the type: GroupValues in types.ts.
  return Object.freeze(Object.fromEntries(groups)) as unknown as Conf;
}

/**
 * Loads the configuration.
 *
 * @param args --config-file and --config-dir of the command line
 * @param env the environment
 * @throws ConfError naming group, option, fault, origin and remedy
 * @throws StartupError naming the file and line that cannot be read
 */
export function loadConf(args: ConfArgs, env: NodeJS.ProcessEnv): LoadedConf {
  const files = readFiles(args);
  const loader = new Loader(files, env);
  for (const [, group] of listGroups()) loader.load(group);
  const conf = build(loader.values);
  checkPairs(conf);
  checkHeartbeat(conf);
  return { conf, warnings: [...unknownNames(files), ...loader.warnings, ...unreadNames(env)] };
}

/**
 * Checks the seed of the programs that sign or verify API tokens.
 *
 * @returns a warning when the seed is easy to guess
 * @throws ConfError when the seed is missing, blank or the original's placeholder
 */
export function checkSeed(conf: Conf): string[] {
  const seed = conf.api.authSecretSeed.reveal();
  if (seed.trim() === '' || seed.trim() === UNCONFIGURED) {
    throw new ConfError(
      'api',
      'auth_secret_seed',
      'the seed that signs API tokens is not set',
      'set it (or OS_API__AUTH_SECRET_SEED) to 32 or more random characters, the same on every node',
    );
  }
  if (seed.length >= SHORT_SEED) return [];
  return [
    `[api] auth_secret_seed is shorter than ${SHORT_SEED} characters: whoever guesses it can sign API tokens`,
  ];
}

/** Every option with its effective value as text, secrets masked: what a program logs at debug when it starts. */
export function describeConf(conf: Conf): string[] {
  return listGroups().flatMap(([property, group]) => {
    const values = conf[property as keyof Conf] as unknown as Readonly<Record<string, OptionValue>>;
    return Object.entries(group.options).map(([option, spec]) => {
      const value = values[propertyName(option)];
      return `[${group.name}] ${option} = ${value === undefined ? '' : showValue(value, spec)}`;
    });
  });
}
