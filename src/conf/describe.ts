// SPDX-License-Identifier: Apache-2.0
// An option in words: what its kind is called and how its default is written. The sample file and the reference say the same.
import type { OptionSpec } from './types.js';
import { showValue } from './values.js';

/** What oslo-config-generator calls each kind. */
export const KINDS: Readonly<Record<OptionSpec['type'], string>> = {
  string: 'string value',
  path: 'path',
  host: 'host address value',
  secret: 'secret string value',
  boolean: 'boolean value',
  integer: 'integer value',
  float: 'floating point value',
  port: 'port value',
  choice: 'string value',
  list: 'list value',
  dict: 'dict value',
};

/** The default as a file would have it; '' for a secret and for an empty one. */
export function shownDefault(spec: OptionSpec): string {
  if (spec.type === 'secret') return '';
  if ('derived' in spec) return spec.derived.shown;
  return showValue(spec.default, spec);
}
