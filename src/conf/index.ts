// SPDX-License-Identifier: Apache-2.0
// Loads the configuration: for each option the environment, else the files, else the default; then freezes it.
// Values that do not fit stop the start, all of them at once; what is merely odd becomes a warning, which the program logs
// once.
import { ConfError, throwFaults } from '../exception.js';
import type { StartupError } from '../exception.js';
import { unreadNames } from './environment.js';
import { readFiles } from './files.js';
import type { ConfArgs } from './files.js';
import { listGroups } from './groups.js';
import type { Conf } from './groups.js';
import { Loader } from './loader.js';
import type { Assignment } from './parser.js';
import { Secret } from './secret.js';
import { didYouMean } from './suggestion.js';
import { propertyName } from './types.js';
import type { OptionSpec, OptionValue } from './types.js';
import { showValue } from './values.js';

export type { Conf } from './groups.js';
export type { ConfArgs } from './files.js';

/** The configuration and what is odd about it, one line for each oddity. */
export interface LoadedConf {
  readonly conf: Conf;
  readonly warnings: readonly string[];
}

/** What can be read of a configuration that may have faults. */
export interface InspectedConf extends LoadedConf {
  readonly faults: readonly StartupError[];
  /** Whether all of these, `group.option` or whole groups, have the values that they were given. */
  readonly isSound: (...names: readonly string[]) => boolean;
}

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

/** A rule for options that have to fit each other. */
interface Agreement {
  readonly between: readonly string[];
  /** @throws ConfError */
  readonly check: (conf: Conf) => void;
}

const AGREEMENTS: readonly Agreement[] = [
  {
    between: ['spice.cert_path', 'spice.key_path'],
    check: ({ spice: { certPath, keyPath } }) => {
      if (certPath.length === keyPath.length) return;
      throw new ConfError(
        'spice',
        'key_path',
        `${keyPath.length} keys for ${certPath.length} certificates in cert_path`,
        'name one key for each certificate, in the same order',
      );
    },
  },
  {
    between: ['DEFAULT.report_interval', 'DEFAULT.service_down_time'],
    check: ({ default: { reportInterval, serviceDownTime } }) => {
      if (serviceDownTime >= 3 * reportInterval) return;
      throw new ConfError(
        'DEFAULT',
        'service_down_time',
        `${serviceDownTime} s is less than three times report_interval (${reportInterval} s)`,
        'raise it, or lower report_interval: one late heartbeat must not make a live node dead',
      );
    },
  },
];

/** Reads every option, and goes on after a fault. */
class Building {
  readonly faults: StartupError[] = [];
  /** The options whose values do not fit, as `group.option`, and their groups. */
  private readonly unsound = new Set<string>();

  constructor(private readonly loader: Loader) {}

  build(): Conf {
    const groups = listGroups().map(([property, group]) => {
      const options = Object.entries(group.options).map(([option, spec]) => [
        propertyName(option),
        this.value(group.name, option) ?? (spec.type === 'secret' ? new Secret('') : spec.default),
      ]);
      return [property, Object.freeze(Object.fromEntries(options))] as const;
    });
    // The shape follows from the same declarations as the type: GroupValues in types.ts.
    const conf = Object.freeze(Object.fromEntries(groups)) as unknown as Conf;
    for (const { between, check } of AGREEMENTS) {
      if (!this.isSound(...between)) continue;
      this.orFault(between, () => check(conf));
    }
    return conf;
  }

  isSound(...names: readonly string[]): boolean {
    return !names.some((name) => this.unsound.has(name));
  }

  private value(group: string, option: string): OptionValue | undefined {
    return this.orFault([`${group}.${option}`], () => this.loader.value(group, option));
  }

  private orFault<T>(options: readonly string[], read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfError)) throw error;
      this.faults.push(error);
      for (const option of options) this.unsound.add(option).add(option.slice(0, option.indexOf('.')));
      return undefined;
    }
  }
}

/**
 * Reads the configuration with all its faults. What stands in it for an option that has one means nothing: ask `isSound`.
 *
 * @param args --config-file and --config-dir of the command line
 * @param env the environment
 * @throws StartupError naming the files and lines that cannot be read
 */
export function inspectConf(args: ConfArgs, env: NodeJS.ProcessEnv): InspectedConf {
  const files = readFiles(args);
  const loader = new Loader(files, env);
  const building = new Building(loader);
  const conf = building.build();
  return {
    conf,
    warnings: [...unknownNames(files), ...loader.warnings, ...unreadNames(env)],
    faults: building.faults,
    isSound: (...names) => building.isSound(...names),
  };
}

/**
 * Loads the configuration.
 *
 * @param args --config-file and --config-dir of the command line
 * @param env the environment
 * @throws StartupError naming group, option, fault, origin and remedy of everything that does not fit
 * @throws StartupError naming the files and lines that cannot be read
 */
export function loadConf(args: ConfArgs, env: NodeJS.ProcessEnv): LoadedConf {
  const { conf, warnings, faults } = inspectConf(args, env);
  throwFaults(faults);
  return { conf, warnings };
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
  return describeOptions(conf, () => true);
}

/** The lines of {@link describeConf} for options that a running program does not take up. */
export function describeFixedConf(conf: Conf): string[] {
  return describeOptions(conf, ({ mutable }) => mutable !== true);
}

function describeOptions(conf: Conf, wanted: (spec: OptionSpec) => boolean): string[] {
  return listGroups().flatMap(([property, group]) => {
    const values = conf[property as keyof Conf] as unknown as Readonly<Record<string, OptionValue>>;
    const options = Object.entries(group.options).filter(([, spec]) => wanted(spec));
    return options.map(([option, spec]) => {
      const value = values[propertyName(option)];
      return `[${group.name}] ${option} = ${value === undefined ? '' : showValue(value, spec)}`;
    });
  });
}
