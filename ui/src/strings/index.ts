// SPDX-License-Identifier: Apache-2.0
// The languages of the UI. A further one is a file like de.ts and a line in LANGUAGES; the compiler misses no string.
import { de } from './de.js';
import { en } from './en.js';

/** The name of a string. */
export type StringName = keyof typeof en;
/** All strings in one language. */
export type Strings = Readonly<Record<StringName, string>>;
/** What is filled in. */
export type Fillings = Readonly<Record<string, string | number>>;

const LANGUAGES: Readonly<Record<string, { readonly name: string; readonly strings: Strings }>> = {
  en: { name: 'English', strings: en },
  de: { name: 'Deutsch', strings: de },
};

/** The languages by their codes, with what they call themselves. */
export const LANGUAGE_NAMES: readonly (readonly [code: string, name: string])[] = Object.entries(
  LANGUAGES,
).map(([code, { name }]) => [code, name]);

/** The first of the wanted languages that there is; English when there is none. */
export function languageOf(wanted: readonly string[]): string {
  const codes = wanted.map((tag) => tag.split('-')[0]?.toLowerCase() ?? '');
  return codes.find((code) => Object.hasOwn(LANGUAGES, code)) ?? 'en';
}

/** A string with what is filled in; `{name}` stays where nothing is. */
export function say(language: string, name: StringName, fillings: Fillings = {}): string {
  const text = (LANGUAGES[language]?.strings ?? en)[name];
  return text.replace(/\{(\w+)\}/g, (place, word: string) => String(fillings[word] ?? place));
}
