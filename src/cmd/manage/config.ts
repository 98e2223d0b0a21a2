// SPDX-License-Identifier: Apache-2.0
// kerbside-manage config generate: the sample configuration file of this release.
import type { Command } from 'commander';
import { renderSample } from '../../conf/sample.js';

/** Adds `config generate`. */
export function addConfigCommands(manage: Command): void {
  const config = manage.command('config').description('the configuration file').helpCommand(false);
  config
    .command('generate')
    .description('print a configuration file with every option, its help and its default')
    .action(() => {
      process.stdout.write(renderSample());
    });
}
