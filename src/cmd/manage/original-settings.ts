// SPDX-License-Identifier: Apache-2.0
// The settings files of the original Kerbside: kerbside.ini (`name = value` under [kerbside]) and environment files
// (`KERBSIDE_NAME=value`, with or without `export`).
import { readFileSync } from 'node:fs';
import { InvalidInput } from '../../exception.js';

const STDIN = 0;
const LONGEST = 1_048_576;
const SETTING = /^(?:export\s+)?(?:KERBSIDE_)?(?<name>[A-Za-z][A-Za-z0-9_]*)\s*[=:]\s*(?<value>.*)$/;

/**
 * The settings of a file by their names without prefix, in capitals.
 * @throws InvalidInput when the file cannot be read or is none
 */
export function settingsOf(file: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const line of textOf(file).split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '' || /^[#;[]/.test(trimmed)) continue;
    const groups = SETTING.exec(trimmed)?.groups;
    if (groups === undefined)
      throw new InvalidInput(`${file}: a line is neither "name = value" nor a comment`);
    settings.set((groups['name'] ?? '').toUpperCase(), unquoted(groups['value'] ?? ''));
  }
  return settings;
}

/**
 * The URL of the original's database.
 * @throws InvalidInput when the file cannot be read or names none
 */
export function connectionOf(file: string): string {
  const text = textOf(file).trim();
  if (/^mysql(\+\w+)?:\/\/\S+$/.test(text)) return text;
  const line = text
    .split('\n')
    .find((candidate) => /^\s*(export\s+)?(KERBSIDE_)?SQL_URL\s*[=:]/i.test(candidate));
  const url = line === undefined ? '' : unquoted(line.slice(line.search(/[=:]/) + 1).trim());
  if (url === '') throw new InvalidInput(`${file}: holds neither SQL_URL nor the URL of a database alone`);
  return url;
}

function textOf(file: string): string {
  let text: string;
  try {
    text = readFileSync(file === '-' ? STDIN : file, 'utf8');
  } catch (error) {
    throw new InvalidInput(
      `${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown fault'})`,
    );
  }
  if (text.length > LONGEST) throw new InvalidInput(`${file}: is no settings file, it is too long`);
  return text;
}

function unquoted(value: string): string {
  const quoted = /^(['"])(.*)\1$/.exec(value.trim());
  return quoted?.[2] ?? value.trim();
}
