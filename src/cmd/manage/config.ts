// SPDX-License-Identifier: Apache-2.0
// kerbside-manage config: the sample configuration file of this release, and one made of the original's settings.
import type { Command } from 'commander';
import { renderSample } from '../../conf/sample.js';
import { convertSettings } from '../../conf/original-settings.js';
import { settingsOf } from './original-settings.js';

/** Adds `config generate` and `config import`. */
export function addConfigCommands(manage: Command): void {
  const config = manage.command('config').description('the configuration file').helpCommand(false);
  config
    .command('generate')
    .description('print a configuration file with every option, its help and its default')
    .action(() => {
      process.stdout.write(renderSample());
    });
  config
    .command('import <file>')
    .description(
      "print a kerbside.conf made of the original's kerbside.ini or environment file; - is standard input",
    )
    .action((file: string) => {
      process.stdout.write(convertSettings(settingsOf(file)));
    });
}
