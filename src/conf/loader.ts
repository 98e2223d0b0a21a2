// SPDX-License-Identifier: Apache-2.0
// Reads the value of each option once: from the environment, else the files, else the default, with the references in
// it replaced. An option that another one refers to is read before it, whatever their order.
import { ConfError } from '../exception.js';
import { fromEnvironment, olderName } from './environment.js';
import type { Given } from './environment.js';
import { listGroups } from './groups.js';
import type { Assignment } from './parser.js';
import { holdsReference, substitute } from './substitution.js';
import { didYouMean } from './suggestion.js';
import type { GroupSpec, OptionSpec, OptionValue, Resolved } from './types.js';
import { holdsSecret, isConfidential, readValue, substitutedText, ValueFault } from './values.js';

/** An option by the names of its group and its own. */
interface Name {
  readonly group: string;
  readonly option: string;
}

/** What a reference names. */
interface Target extends Name {
  readonly spec: OptionSpec;
}

/** An option that is being read. */
interface Reading extends Name {
  /** A secret has gone into its value, so that no fault shows the value. */
  holdsSecret: boolean;
}

const DEFAULT = 'DEFAULT';
const REMEDY =
  'name an option, as $option for one of the same group or of [DEFAULT] and ${group.option} for any other, ' +
  'or write $$ for a dollar sign';

function fromFiles(
  files: readonly Assignment[][],
  where: Name,
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

function shown({ group, option }: Name): string {
  return group === DEFAULT ? `$${option}` : `\${${group}.${option}}`;
}

/** The values of all options. */
export class Loader {
  /** What is odd, one line each. */
  readonly warnings: string[] = [];
  private readonly groups: ReadonlyMap<string, GroupSpec>;
  private readonly values = new Map<string, OptionValue>();
  /** The options that are being read, each for the one before it. */
  private readonly reading: Reading[] = [];

  /**
   * @param files the assignments of each file, the file that wins last
   * @param env the environment
   * @param groups the declarations
   */
  constructor(
    private readonly files: readonly Assignment[][],
    private readonly env: NodeJS.ProcessEnv,
    groups: readonly GroupSpec[] = listGroups().map(([, group]) => group),
  ) {
    this.groups = new Map(groups.map((group) => [group.name, group]));
  }

  /**
   * The value of an option.
   * @throws ConfError naming group, option, fault, origin and remedy
   */
  value(group: string, option: string): OptionValue {
    const spec = this.groups.get(group)?.options[option];
    if (spec === undefined) throw new Error(`[${group}] ${option} is not declared`);
    const key = `${group} ${option}`;
    let value = this.values.get(key);
    if (value === undefined) {
      this.reading.push({ group, option, holdsSecret: false });
      try {
        value = this.read({ group, option, spec });
      } finally {
        this.reading.pop();
      }
      this.values.set(key, value);
    }
    return value;
  }

  private read(target: Target): OptionValue {
    const { group, option, spec } = target;
    let origin: string | undefined;
    try {
      const inFiles = fromFiles(this.files, target, spec, this.warnings);
      const given = fromEnvironment(this.env, target, spec, this.warnings) ?? inFiles;
      origin = given?.origin ?? defaultOrigin(spec);
      const value = given === undefined ? this.default(target) : this.given(given, target);
      if (value !== '') return value;
      if ('emptyIsDefault' in spec) return this.default(target);
      return 'derived' in spec ? spec.derived.from(this.resolved) : value;
    } catch (error) {
      if (!(error instanceof ValueFault)) throw error;
      const from = origin ?? originOf(spec);
      const hidden = this.reading.at(-1)?.holdsSecret === true && isConfidential(spec);
      const fault = hidden ? 'its value does not fit' : error.fault;
      throw new ConfError(group, option, `${fault} (from ${from})`, error.remedy);
    }
  }

  private readonly resolved: Resolved = (group, option) => {
    const value = this.value(group, option);
    return typeof value === 'string' ? value : '';
  };

  private given({ text, literal }: Given, target: Target): OptionValue {
    return readValue(literal === true ? text : this.substituted(text, target), target.spec);
  }

  private default(target: Target): OptionValue {
    const { spec } = target;
    if (spec.type === 'secret') return readValue(spec.default, spec);
    const { default: value } = spec;
    if (typeof value !== 'string' || !value.includes('$')) return Object.freeze(value);
    return readValue(this.substituted(value, target), spec);
  }

  private substituted(text: string, target: Target): string {
    return substitute(text, (name) => this.textOf(name, target));
  }

  /** What stands for a name in the value of an option. */
  private textOf(name: string, from: Target): string {
    const target = this.find(name, from);
    if (target === undefined) throw this.unknown(name, from);
    const at = this.reading.findIndex(
      ({ group, option }) => group === target.group && option === target.option,
    );
    if (at >= 0) {
      const circle = [...this.reading.slice(at + 1), target].map(shown).join(', then ');
      throw new ValueFault(`its value refers to itself, by ${circle}`, REMEDY);
    }
    const value = this.value(target.group, target.option);
    if (holdsSecret(value, target.spec)) this.admitSecret(target, from);
    return substitutedText(value, target.spec);
  }

  private admitSecret(target: Target, from: Target): void {
    const reading = this.reading.at(-1);
    if (reading !== undefined) reading.holdsSecret = true;
    if (isConfidential(from.spec)) return;
    throw new ValueFault(
      `${shown(target)} is secret, and this option is shown in the log`,
      'refer to it in options that are secret themselves only, or write $$ for a dollar sign',
    );
  }

  /** `option` of the group of the option that refers to it, else of [DEFAULT]; `group.option` of that group. */
  private find(name: string, from: Name): Target | undefined {
    const dot = name.indexOf('.');
    const groups =
      dot < 0 ? [from.group, DEFAULT] : [name.slice(0, dot)].filter((group) => group !== DEFAULT);
    const option = name.slice(dot + 1);
    for (const group of groups) {
      const options = this.groups.get(group)?.options ?? {};
      const spec = Object.hasOwn(options, option) ? options[option] : undefined;
      if (spec !== undefined) return { group, option, spec };
    }
    return undefined;
  }

  private unknown(name: string, from: Target): ValueFault {
    // Of a password the text behind the `$` is a part.
    if (isConfidential(from.spec))
      return new ValueFault('a "$" in it stands before what is no option', REMEDY);
    const group = name.slice(0, Math.max(0, name.indexOf('.')));
    const known = this.names(from).filter(
      (known) => !this.groups.has(group) || known.startsWith(`${group}.`),
    );
    return new ValueFault(`there is no option ${name} to put in its place${didYouMean(name, known)}`, REMEDY);
  }

  /** Every name that a value of this option can refer to. */
  private names(from: Name): string[] {
    return [...this.groups].flatMap(([group, { options }]) =>
      Object.keys(options).flatMap((option) => [
        ...(group === from.group || group === DEFAULT ? [option] : []),
        ...(group === DEFAULT ? [] : [`${group}.${option}`]),
      ]),
    );
  }
}

/** A fault in an older name arises before its origin is known. */
function originOf(spec: OptionSpec): string {
  return spec.deprecatedEnv === undefined ? 'the default' : olderName(spec.deprecatedEnv);
}

function defaultOrigin(spec: OptionSpec): string {
  return typeof spec.default === 'string' && holdsReference(spec.default)
    ? `the default, ${spec.default}`
    : 'the default';
}
