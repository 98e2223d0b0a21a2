// SPDX-License-Identifier: Apache-2.0
// What data may enter and leave a desktop, as a table: each rule, its value, and the place that says so.
import type { ReactElement } from 'react';
import type { Schemas } from '../api/types.js';
import { useSay } from '../settings.js';
import type { StringName } from '../strings/index.js';

type Policy = Schemas['GuestPolicy'];
type Say = ReturnType<typeof useSay>;

/** The keys in their order, with their words. */
const KEYS: readonly (readonly [key: keyof Policy, name: StringName])[] = [
  ['clipboard', 'policy.clipboard'],
  ['file_transfer', 'policy.fileTransfer'],
  ['folder_sharing', 'policy.folderSharing'],
  ['usb', 'policy.usb'],
  ['smartcard', 'policy.smartcard'],
  ['audio_playback', 'policy.audioPlayback'],
  ['audio_record', 'policy.audioRecord'],
  ['view_only', 'policy.viewOnly'],
  ['max_monitors', 'policy.maxMonitors'],
];

const DIRECTIONS: Readonly<Record<string, StringName>> = {
  none: 'policy.none',
  'to-guest': 'policy.toGuest',
  'from-guest': 'policy.fromGuest',
  both: 'policy.both',
};

/** The table. */
export function GuestPolicyTable({ policy }: { readonly policy: Policy }): ReactElement {
  const say = useSay();
  const columns = [say('policy.rule'), say('policy.value'), say('policy.from')];
  return (
    <table aria-label={say('policy.title')}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {KEYS.map(([key, name]) => (
          <tr key={key}>
            <td data-label={columns[0]}>{say(name)}</td>
            <td data-label={columns[1]}>{valueText(key, policy[key].value, say)}</td>
            <td data-label={columns[2]}>{placeText(policy[key].from, say)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function valueText(key: keyof Policy, value: Policy[keyof Policy]['value'], say: Say): string {
  if (typeof value === 'boolean') return say(value ? 'console.yes' : 'console.no');
  if (typeof value === 'number') return value === 0 ? say('policy.anyNumber') : String(value);
  if (typeof value === 'string') return say(DIRECTIONS[value] ?? 'policy.none');
  if (key === 'usb' && value.includes('*')) return say('policy.anyDevice');
  return value.includes('none') ? say('policy.none') : value.join(', ');
}

const PLACES: Readonly<Record<string, StringName>> = {
  deployment: 'policy.ofDeployment',
  image: 'policy.ofImage',
  flavor: 'policy.ofFlavor',
  metadata: 'policy.ofMetadata',
  console: 'policy.ofConsole',
};

function placeText(from: string, say: Say): string {
  const known = PLACES[from];
  if (known !== undefined) return say(known);
  const [kind, ...name] = from.split(' ');
  const of = { name: name.join(' ') };
  return kind === 'project' ? say('policy.ofProject', of) : say('policy.ofSource', of);
}
