// SPDX-License-Identifier: Apache-2.0
// kerbside-manage policy generate: the sample policy of this release.
import type { Command } from 'commander';
import { renderPolicySample } from '../../policies/sample.js';

/** Adds `policy generate`. */
export function addPolicyCommands(manage: Command): void {
  const policy = manage.command('policy').description('the policy file').helpCommand(false);
  policy
    .command('generate')
    .description('print a policy file with every rule, what it guards and its default')
    .action(() => {
      process.stdout.write(renderPolicySample());
    });
}
