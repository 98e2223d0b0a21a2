// SPDX-License-Identifier: Apache-2.0
// The enforcer: the rules of src/policies, with those of policy.yaml in their place, asked for every request. The
// files are checked again while the service runs; a file with a fault leaves the last good rules in force.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { RequestContext } from './context.js';
import { StartupError } from './exception.js';
import { loggerFor } from './log.js';
import { shownPath, unreadable } from './option-file.js';
import { parseCheck } from './policies/check-parser.js';
import { holds, type Check, type Credentials, type Target } from './policies/check.js';
import { faultsOfRules, parsePolicyFile, type FileRule } from './policies/policy-file.js';
import { RULES, type RuleName } from './policies/registry.js';
import type { RuleDefault } from './policies/rule.js';

export type { RuleName } from './policies/registry.js';

/** What is asked for. Absent or null: it has no owner. */
export interface PolicyTarget {
  readonly project_id?: string | null | undefined;
  readonly user_id?: string | null | undefined;
  /** What a list of access gives the asker; absent: no list holds for it. */
  readonly access_role?: AccessStanding | undefined;
}

/** What a list of access gives somebody; `none`: it does not name them; `default`: there is no list. */
export type AccessStanding = 'default' | 'none' | 'view' | 'open' | 'operate';

/** Where the operator's own rules are. */
export interface PolicyPlaces {
  /** policy.yaml; undefined or a file that does not exist: the defaults hold. */
  readonly file?: string | undefined;
  /** Directories whose *.yaml and *.json are read after it, in the order of their names. */
  readonly dirs?: readonly string[];
}

const log = loggerFor('kerbside.policy');
/** How often the files are checked. */
const CHECK_INTERVAL_MS = 1000;

const DEFAULTS: readonly (readonly [string, Check])[] = RULES.map(({ name, check }) => [
  name,
  parseCheck(check),
]);

/** The policy. */
export class Policy {
  private rules: ReadonlyMap<string, Check>;
  private seen: string;
  private checkedAt = Date.now();
  private tell: (changed: readonly string[]) => void = () => undefined;

  private constructor(
    private readonly places: PolicyPlaces,
    private readonly onChange: () => void,
  ) {
    this.seen = stateOf(places);
    const { rules, faults, warnings } = readRules(places);
    const [first] = faults;
    if (first !== undefined) throw new StartupError(`policy: ${first}${andMore(faults)}`);
    for (const warning of warnings) log.warning(warning);
    this.rules = rules;
  }

  /**
   * The policy of a file.
   * @param onChange called when changed files were found and taken up, but not for follow()
   * @throws StartupError naming file, line, rule and fault
   */
  static load(places: string | PolicyPlaces | undefined, onChange: () => void = () => undefined): Policy {
    return new Policy(typeof places === 'object' ? places : { file: places }, onChange);
  }

  /** Whether a rule lets the asker do this to the target. A stranger may nothing, whatever the rules say. */
  authorize(context: RequestContext, rule: RuleName, target: PolicyTarget): boolean {
    this.checkFiles();
    const check = this.rules.get(rule);
    if (check === undefined || context.via === 'none') return false;
    return holds(check, credentialsOf(context), attributesOf(target), this.rules);
  }

  /** From now on it is told which rules have changed, each time that changed files were taken up. */
  onTakenUp(listener: (changed: readonly string[]) => void): void {
    this.tell = listener;
  }

  /** The rules with their defaults. */
  list(): readonly RuleDefault[] {
    return RULES;
  }

  /** Checks the files at once. */
  reload(): void {
    this.checkedAt = 0;
    this.checkFiles();
  }

  /** The same because another process has found its files changed: not announced again. */
  follow(): void {
    this.checkedAt = Date.now();
    this.takeUp();
  }

  private checkFiles(): void {
    const now = Date.now();
    if (Math.abs(now - this.checkedAt) < CHECK_INTERVAL_MS) return;
    this.checkedAt = now;
    if (this.takeUp()) this.onChange();
  }

  // Whether there was something new to take up.
  private takeUp(): boolean {
    const state = stateOf(this.places);
    if (state === this.seen) return false;
    this.seen = state;
    const { rules, faults, warnings } = readRules(this.places);
    for (const warning of warnings) log.warning(warning);
    if (faults.length > 0) {
      for (const fault of faults) log.error('policy is not taken up, the last good one holds', { fault });
      return false;
    }
    const changed = changedRules(this.rules, rules);
    this.rules = rules;
    log.info('policy taken up anew');
    if (changed.length > 0) this.tell(changed);
    return true;
  }
}

/** The names of the rules that one policy has otherwise than another, or not at all. */
function changedRules(before: ReadonlyMap<string, Check>, after: ReadonlyMap<string, Check>): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => !isDeepStrictEqual(before.get(name), after.get(name))).sort();
}

function credentialsOf(context: RequestContext): Credentials {
  return {
    roles: context.roles,
    via: context.via,
    is_admin: context.admin ? 'True' : 'False',
    user_id: context.userId,
    user_name: context.user,
    project_id: context.projectId,
    system_scope: context.systemScope === true ? 'all' : undefined,
  };
}

function attributesOf(target: PolicyTarget): Target {
  return {
    project_id: target.project_id ?? undefined,
    user_id: target.user_id ?? undefined,
    access_role: target.access_role ?? 'default',
  };
}

interface RulesRead {
  readonly rules: ReadonlyMap<string, Check>;
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

function readRules(places: PolicyPlaces): RulesRead {
  const faults = (places.dirs ?? []).flatMap(folderFault);
  const own = new Map<string, FileRule>();
  for (const file of filesOf(places)) {
    const text = textOf(file);
    if (typeof text !== 'string') {
      faults.push(text.fault);
      continue;
    }
    const parsed = parsePolicyFile(text, shownPath(file));
    faults.push(...parsed.faults);
    for (const [name, rule] of parsed.rules) own.set(name, rule);
  }
  const rules = new Map([
    ...DEFAULTS,
    ...[...own].map(([name, { check }]): [string, Check] => [name, check]),
  ]);
  if (faults.length === 0) {
    faults.push(...faultsOfRules(rules, (name) => own.get(name)?.place ?? 'the defaults'));
  }
  const known = new Set<string>(RULES.map(({ name }) => name));
  // A plain word is a rule of the operator's own, for others to refer to.
  const warnings = [...own]
    .filter(([name]) => name.includes(':') && !known.has(name))
    .map(([name, { place }]) => `${place}: rule "${name}" is not one that Kerbside asks for`);
  return { rules, faults, warnings };
}

function filesOf(places: PolicyPlaces): string[] {
  const inDirs = (places.dirs ?? []).flatMap((dir) =>
    namesIn(dir)
      .filter((name) => /\.(yaml|yml|json)$/.test(name))
      .sort()
      .map((name) => join(dir, name)),
  );
  const { file } = places;
  const there = file !== undefined && file !== '' && markOf(file) !== 'absent';
  return there ? [file, ...inDirs] : inDirs;
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** A folder that is not there is passed over; one that cannot be read may hold rules. */
function folderFault(dir: string): string[] {
  try {
    readdirSync(dir);
    return [];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const { fault, remedy } = unreadable(dir, error, 'folder');
    return [`[oslo_policy] policy_dirs: ${fault}; ${remedy}`];
  }
}

function textOf(file: string): string | { readonly fault: string } {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { fault, remedy } = unreadable(file, error);
    return { fault: `[oslo_policy] policy_file, policy_dirs: ${fault}; ${remedy}` };
  }
}

/** Changes when a file does. */
function stateOf(places: PolicyPlaces): string {
  return [places.file ?? '', ...filesOf({ dirs: places.dirs ?? [] })].map((file) => markOf(file)).join(' ');
}

function markOf(file: string): string {
  if (file === '') return 'absent';
  try {
    const { ino, size, mtimeMs } = statSync(file);
    return `${file}:${ino}:${size}:${mtimeMs}`;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'absent' : 'unreadable';
  }
}

function andMore(faults: readonly string[]): string {
  return faults.length === 1 ? '' : `; and ${faults.length - 1} more`;
}
