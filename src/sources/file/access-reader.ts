// SPDX-License-Identifier: Apache-2.0
// `access` of a source or a console in sources.yaml: a list of entries, each with its role, whom it names, and the tags of the
// consoles that it is for.
import { ACCESS_ROLES, type AccessEntry } from '../../objects/access-list.js';
import { FieldFault, type FieldReader } from './field-reader.js';

const NAMES = ['projects', 'users', 'groups'] as const;
const KEYS = ['role', ...NAMES, 'tags'] as const;
/** Entries of one list, names in one entry, characters of a name. */
const MOST_ENTRIES = 200;
const MOST_NAMES = 500;
const LONGEST_NAME = 255;
/** One line without spaces at its ends. */
const NAME = /^[^\s\p{C}](?:[^\p{C}]*[^\s\p{C}])?$/u;

/** The entries; null when there is no list: the policy alone says who may open the console. */
export function accessIn(fields: FieldReader): readonly AccessEntry[] | null {
  const records = fields.records('access', 'entry');
  if (records === null) return null;
  if (records.length > MOST_ENTRIES) {
    fields.fault('access', `has more than ${String(MOST_ENTRIES)} entries; name groups in place of users`);
    return null;
  }
  return records.flatMap((record) => entryIn(record) ?? []);
}

function entryIn(fields: FieldReader): AccessEntry | null {
  fields.demandKeys(KEYS);
  if (!fields.given('role')) {
    fields.fault('role', `is missing; give one of ${ACCESS_ROLES.join(', ')}`);
    return null;
  }
  const role = fields.word('role', ACCESS_ROLES);
  const lists = { ...namesIn(fields, 'projects'), ...namesIn(fields, 'users'), ...namesIn(fields, 'groups') };
  const tags = namesIn(fields, 'tags');
  // For everybody only when that was meant: an entry for one tag, not one whose names were left out.
  if (Object.keys(lists).length === 0 && Object.keys(tags).length === 0 && !fields.given('tags')) {
    const given = NAMES.some((key) => fields.given(key));
    if (!given) fields.fault('groups', 'is missing, and so are users, projects and tags; say whom it is for');
    return null;
  }
  return role === null ? null : { role, ...lists, ...tags };
}

function namesIn(
  fields: FieldReader,
  key: 'projects' | 'users' | 'groups' | 'tags',
): { [key: string]: string[] } {
  const names = fields.list(key, name);
  if (names === null) return {};
  if (names.length === 0 || names.length > MOST_NAMES) {
    fields.fault(key, `names none, or more than ${String(MOST_NAMES)}; name some, or leave it out`);
    return {};
  }
  return { [key]: names };
}

function name(text: string): string | FieldFault {
  if (text.length <= LONGEST_NAME && NAME.test(text)) return text;
  return new FieldFault(
    `holds a name that is empty, longer than ${String(LONGEST_NAME)} characters, or has spaces at an end`,
  );
}
