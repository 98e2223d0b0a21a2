// SPDX-License-Identifier: Apache-2.0
// Turns the settings of the original Kerbside into a kerbside.conf: every option under the name that it has now, in its unit of
// now, and a comment for each setting that has no counterpart.
import { fromEnvironment, olderName, unreadNames } from './environment.js';
import { listGroups } from './groups.js';
import { escapeDollars } from './substitution.js';

/**
 * The text of a kerbside.conf.
 *
 * @param settings by the original's names in capitals, without prefix: `SQL_URL`
 * @throws ValueFault when a number of minutes is none
 */
export function convertSettings(settings: ReadonlyMap<string, string>): string {
  const env = Object.fromEntries([...settings].map(([name, value]) => [olderName({ name }), value]));
  const lines = ['# Made of the settings of the original Kerbside. It holds passwords: keep it from others.'];
  for (const [, group] of listGroups()) {
    const options = Object.entries(group.options).flatMap(([option, spec]) => {
      const given = fromEnvironment(env, { group: group.name, option }, spec, []);
      return given === undefined ? [] : [`${option} = ${escapeDollars(given.text)}`];
    });
    if (options.length > 0) lines.push('', `[${group.name}]`, ...options);
  }
  const unread = unreadNames(env).map((warning) => `# ${warning}`);
  if (unread.length > 0) lines.push('', ...unread);
  return `${lines.join('\n')}\n`;
}
