// SPDX-License-Identifier: Apache-2.0
// Writes kerbside.conf.sample from the declarations, in the layout of oslo-config-generator: every option commented
// out with its default, under its help, kind and bounds.
import { wrapComment } from './comment.js';
import { KINDS, shownDefault } from './describe.js';
import { environmentName, olderName } from './environment.js';
import { listGroups } from './groups.js';
import type { GroupSpec, OptionSpec } from './types.js';

const INTRODUCTION = [
  'Configuration of Kerbside, in the INI format of oslo.config. Every option stands here with its default; remove ' +
    'the "#" to change one.',
  'Options are taken from, the strongest first: the environment name OS_<GROUP>__<OPTION> (such as ' +
    'OS_API__PORT), the older name KERBSIDE_<NAME> where one is noted, the files of --config-dir, the files of ' +
    '--config-file (the last one first; /etc/kerbside/kerbside.conf when none is named), the default.',
  'In a value, "$option" and "${option}" stand for the value of an option of the same group or of [DEFAULT], ' +
    '"${group.option}" for that of any other; "$$" and "\\$" are a dollar sign. Only under the older names in the ' +
    'environment values are literal.',
  'An indented line continues the value above it. The list of an option may be given as one line with commas or as ' +
    'several lines of the option.',
];

function bounds(spec: OptionSpec): string[] {
  if (!('min' in spec)) return [];
  return [`Minimum value: ${spec.min}`, `Maximum value: ${spec.max}`];
}

function choices(spec: OptionSpec): string[] {
  if (spec.type === 'dict') return [`Possible keys: ${spec.keys.join(', ')}`];
  if (spec.type !== 'choice' && spec.type !== 'list') return [];
  return spec.choices === undefined ? [] : [`Possible values: ${spec.choices.join(', ')}`];
}

function older(spec: OptionSpec): string[] {
  if (spec.deprecatedEnv === undefined) return [];
  const unit = spec.deprecatedEnv.unit === undefined ? '' : ' (in whole minutes)';
  return [`Deprecated environment name: ${olderName(spec.deprecatedEnv)}${unit}`];
}

function renderOption(group: string, option: string, spec: OptionSpec): string[] {
  const unit = 'unit' in spec ? `, in ${spec.unit}` : '';
  const notes = [
    ...bounds(spec),
    ...choices(spec),
    ...('derived' in spec ? ['The default is worked out when the program starts.'] : []),
    ...(spec.mutable === true ? ['Note: This option can be changed without restarting (SIGHUP).'] : []),
    `Environment name: ${environmentName(group, option)}`,
    ...older(spec),
  ];
  const value = shownDefault(spec);
  return [
    ...wrapComment(`${spec.help} (${KINDS[spec.type]}${unit})`),
    ...notes.flatMap(wrapComment),
    `#${option} =${value === '' ? '' : ` ${value}`}`,
    '',
  ];
}

function renderGroup(group: GroupSpec): string[] {
  const options = Object.entries(group.options).flatMap(([option, spec]) =>
    renderOption(group.name, option, spec),
  );
  return [`[${group.name}]`, '#', ...wrapComment(group.help), '#', '', ...options];
}

/** The text of etc/kerbside/kerbside.conf.sample. */
export function renderSample(): string {
  const introduction = INTRODUCTION.flatMap((paragraph) => [...wrapComment(paragraph), '#']).slice(0, -1);
  const lines = [...introduction, '', ...listGroups().flatMap(([, group]) => renderGroup(group))];
  return `${lines.join('\n').trimEnd()}\n`;
}
