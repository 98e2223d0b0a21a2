// SPDX-License-Identifier: Apache-2.0
// The kinds of options and what each kind gives to the program. An option is declared once, as plain data, in
// the file of its group; its TypeScript type, the reading of its text, its bounds and the sample file all
// follow from that one declaration.
import type { Secret } from './secret.js';

/** The value of another option as text: used by defaults that follow from other options in ways that no text can say. */
export type Resolved = (group: string, option: string) => string;

/** A default that is worked out at start-up: `shown` stands in the sample, `from` gives the value. */
export interface Derived {
  readonly shown: string;
  readonly from: (resolved: Resolved) => string;
}

/** The older environment name of an option, without its `KERBSIDE_`. */
export interface DeprecatedEnv {
  readonly name: string;
  /** The older name counts in whole minutes, the option in seconds. */
  readonly unit?: 'minutes';
  /** Values that meant something else under the older name. */
  readonly values?: Readonly<Record<string, string>>;
}

interface Common {
  /** What an operator reads in the sample file: what it does, when to change it, what it costs. */
  readonly help: string;
  readonly deprecatedEnv?: DeprecatedEnv;
  /** May change on SIGHUP, without a restart. */
  readonly mutable?: true;
}

interface Text extends Common {
  readonly default: string;
  /** Gives the value when the option is empty. */
  readonly derived?: Derived;
  /** An empty value means the default. */
  readonly emptyIsDefault?: true;
}

interface Bounded {
  readonly min: number;
  readonly max: number;
  readonly unit?: 'seconds' | 'bytes';
}

/** Free text; `pattern` says which text, in the words of the error message. */
export interface StringSpec extends Text {
  readonly type: 'string';
  readonly pattern?: { readonly accepts: RegExp; readonly expected: string };
  /** The text is a URL that may hold a password: the password is masked wherever the value is shown. */
  readonly redact?: 'url';
}
/** A path of the file system. */
export interface PathSpec extends Text {
  readonly type: 'path';
}
/** An IPv4 or IPv6 address or a host name. */
export interface HostSpec extends Text {
  readonly type: 'host';
}
/** A text that is never shown. */
export interface SecretSpec extends Common {
  readonly type: 'secret';
  readonly default: '';
}
/** true or false, in the spellings of oslo.config. */
export interface BooleanSpec extends Common {
  readonly type: 'boolean';
  readonly default: boolean;
}
/** A whole number. */
export interface IntegerSpec extends Common, Bounded {
  readonly type: 'integer';
  readonly default: number;
}
/** A number that may have a fraction. */
export interface FloatSpec extends Common, Bounded {
  readonly type: 'float';
  readonly default: number;
}
/** A TCP port; its default may be the one of another option, as `$option` of the same group. */
export interface PortSpec extends Common, Bounded {
  readonly type: 'port';
  readonly default: number | `$${string}`;
}
/** One word of a few. */
export interface ChoiceSpec extends Common {
  readonly type: 'choice';
  readonly default: string;
  readonly choices: readonly string[];
}
/** Words, separated by commas. */
export interface ListSpec extends Common {
  readonly type: 'list';
  readonly item: 'host' | 'network' | 'path' | 'word';
  /** Which words, in the words of the error message. */
  readonly pattern?: { readonly accepts: RegExp; readonly expected: string };
  readonly default: readonly string[];
  readonly choices?: readonly string[];
  readonly minItems: number;
}
/** `key:number` pairs, separated by commas. */
export interface DictSpec extends Common, Bounded {
  readonly type: 'dict';
  readonly default: Readonly<Record<string, number>>;
  readonly keys: readonly string[];
}

/** The declaration of one option. */
export type OptionSpec =
  | StringSpec
  | PathSpec
  | HostSpec
  | SecretSpec
  | BooleanSpec
  | IntegerSpec
  | FloatSpec
  | PortSpec
  | ChoiceSpec
  | ListSpec
  | DictSpec;

/** The declaration of one group: its name in the file, what it is about, and its options by name. */
export interface GroupSpec {
  readonly name: string;
  readonly help: string;
  /** Options of the OpenStack library that has this group and that Kerbside does without: no warning for them. */
  readonly ignored?: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
}

/** What any option can be once it is read. */
export type OptionValue =
  string | number | boolean | Secret | readonly string[] | Readonly<Record<string, number>>;

type WordsOf<S, Otherwise> = S extends { readonly choices: readonly (infer C extends string)[] }
  ? C
  : Otherwise;
type KeysOf<S> = S extends { readonly keys: readonly (infer K extends string)[] } ? K : string;

/** The TypeScript type of an option's value, from its declaration. */
export type ValueOf<S extends OptionSpec> = S['type'] extends 'string' | 'path' | 'host'
  ? string
  : S['type'] extends 'secret'
    ? Secret
    : S['type'] extends 'boolean'
      ? boolean
      : S['type'] extends 'integer' | 'float' | 'port'
        ? number
        : S['type'] extends 'choice'
          ? WordsOf<S, string>
          : S['type'] extends 'list'
            ? readonly WordsOf<S, string>[]
            : Readonly<Partial<Record<KeysOf<S>, number>>>;

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** The values of a group: one property for each option, in camelCase. */
export type GroupValues<G extends GroupSpec> = {
  readonly [K in keyof G['options'] & string as CamelCase<K>]: ValueOf<G['options'][K]>;
};

/** The name that an option has as a TypeScript property: `token_ttl` is `tokenTtl`. */
export function propertyName(option: string): string {
  return option.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}
