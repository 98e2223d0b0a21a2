// SPDX-License-Identifier: Apache-2.0
// Which values of a configuration hold a `$` that stands for something, and did not before Kerbside had substitution:
// for the upgrade check.
import { environmentName } from './environment.js';
import { readFiles } from './files.js';
import type { ConfArgs } from './files.js';
import { listGroups } from './groups.js';
import { holdsReference } from './substitution.js';
import { isConfidential } from './values.js';

/** Where a `$` stands for something. */
export interface ChangedMeaning {
  /** File and line with the name of the option, or the name in the environment; never the value. */
  readonly where: string;
  /** The option holds a password, in which a `$` is rather a character of it. */
  readonly confidential: boolean;
}

/**
 * All values that hold a reference, a `$$` or a `\$`.
 *
 * @throws StartupError naming the file and line that cannot be read
 */
export function changedMeanings(args: ConfArgs, env: NodeJS.ProcessEnv): ChangedMeaning[] {
  const assignments = readFiles(args).flat();
  return listGroups().flatMap(([, { name: group, options }]) =>
    Object.entries(options).flatMap(([option, spec]) => {
      const places = assignments
        .filter((found) => found.group === group && found.option === option && holdsReference(found.value))
        .map(({ file, line }) => `${file} line ${line} ([${group}] ${option})`);
      const name = environmentName(group, option);
      if (holdsReference(env[name] ?? '')) places.push(name);
      return places.map((where) => ({ where, confidential: isConfidential(spec) }));
    }),
  );
}
