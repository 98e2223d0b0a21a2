// SPDX-License-Identifier: Apache-2.0
// The command line that all programs share: --config-file, --config-dir, --version, --help.
import { Command } from 'commander';
import type { ConfArgs } from '../conf/index.js';
import { VERSION } from '../version.js';

function collect(path: string, before: string[] = []): string[] {
  return [...before, path];
}

/**
 * A command with the options of all programs.
 *
 * @param name the program as it is installed
 * @param summary one sentence for --help
 */
export function baseCommand(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .option('--config-file <path>', 'configuration file; may be given again, the last one wins', collect)
    .option(
      '--config-dir <path>',
      'directory of *.conf files, read after the files; may be given again',
      collect,
    )
    .version(`${name} ${VERSION}`, '--version', 'print the version and exit')
    .helpOption('--help', 'print this help and exit')
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false);
}

/** --config-file and --config-dir of a parsed command, wherever they stood on the line. */
export function confArgs(command: Command): ConfArgs {
  const options = command.optsWithGlobals<{ configFile?: string[]; configDir?: string[] }>();
  return { configFiles: options.configFile ?? [], configDirs: options.configDir ?? [] };
}
