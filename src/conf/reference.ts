// SPDX-License-Identifier: Apache-2.0
// Writes the reference of all options for the documentation, in reStructuredText, from the same declarations as the sample file.
import { KINDS, shownDefault } from './describe.js';
import { environmentName, olderName } from './environment.js';
import { listGroups } from './groups.js';
import type { GroupSpec, OptionSpec } from './types.js';

const TITLE = 'Options';
const INTRODUCTION = [
  '.. Written by tox-style-scripts/genconfig from src/conf: change the declarations there, not this page.',
  'Every option of ``kerbside.conf``, by group. Where values come from, and which you must set: :doc:`../admin/configuration`. ' +
    '``kerbside-manage config generate`` prints the same as a configuration file.',
];

/** Text of an option as reStructuredText reads it literally. */
function escaped(text: string): string {
  return text.replace(/[\\*`|]|_(?![A-Za-z0-9])/g, '\\$&');
}

function literal(text: string): string {
  return `\`\`${text}\`\``;
}

function fields(group: string, option: string, spec: OptionSpec): (readonly [string, string])[] {
  const text = shownDefault(spec);
  const shown = 'derived' in spec ? escaped(text) : literal(text);
  const older = spec.deprecatedEnv;
  const minutes = older?.unit === undefined ? '' : ' (in whole minutes)';
  return [
    ['Type', KINDS[spec.type].replace(/ value$/, '') + ('unit' in spec ? `, in ${spec.unit}` : '')],
    ['Default', text === '' ? 'empty' : shown],
    ...('min' in spec ? ([['Range', `${spec.min} to ${spec.max}`]] as const) : []),
    ...(spec.type === 'dict' ? ([['Keys', spec.keys.map(literal).join(', ')]] as const) : []),
    ...('choices' in spec ? ([['Choices', spec.choices.map(literal).join(', ')]] as const) : []),
    ...(spec.mutable === true ? ([['Reload', 'on SIGHUP, without a restart']] as const) : []),
    ['Environment', literal(environmentName(group, option))],
    ...(older === undefined ? [] : ([['Older name', literal(olderName(older)) + minutes]] as const)),
  ];
}

function renderOption(group: string, option: string, spec: OptionSpec): string[] {
  const list = fields(group, option, spec).map(([name, value]) => `   :${name}: ${value}`);
  return [`.. confval:: [${group}] ${option}`, '', ...list, '', `   ${escaped(spec.help)}`, ''];
}

function renderGroup(group: GroupSpec): string[] {
  const title = `[${group.name}]`;
  const options = Object.entries(group.options).flatMap(([option, spec]) =>
    renderOption(group.name, option, spec),
  );
  return [title, '='.repeat(title.length), '', escaped(group.help), '', ...options];
}

/** The text of doc/source/reference/options.rst. */
export function renderReference(): string {
  const rule = '='.repeat(TITLE.length);
  const introduction = INTRODUCTION.flatMap((paragraph) => [paragraph, '']);
  const groups = listGroups().flatMap(([, group]) => renderGroup(group));
  return `${[rule, TITLE, rule, '', ...introduction, ...groups].join('\n').trimEnd()}\n`;
}
