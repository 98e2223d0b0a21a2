#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kerbside-status upgrade check: will this release start and serve with this configuration? For scripts that upgrade
// a site: exit status 0 all well, 1 a warning, 2 a failure, 255 the check itself failed.
// kerbside-status health: does the running service answer? For containers: exit status 0 yes, 1 no.
import { Argument } from 'commander';
import type { Command } from 'commander';
import { changedMeanings } from '../conf/changed-meaning.js';
import { inspectConf, loadConf } from '../conf/index.js';
import type { InspectedConf } from '../conf/index.js';
import { configureLogging, loggerFor } from '../log.js';
import { baseCommand, confArgs } from './arguments.js';
import { describeFault, reportFault } from './outcome.js';
import { drawResults, exitStatus } from './status/check.js';
import type { CheckResult } from './status/check.js';
import { checkHealth, firstProcess, serviceOf, SERVICES } from './status/health.js';
import type { ServiceName } from './status/health.js';

const NAME = 'kerbside-status';
const CHECK_FAILED = 255;

async function results(command: Command): Promise<CheckResult[]> {
  let inspected: InspectedConf;
  const args = confArgs(command);
  try {
    inspected = inspectConf(args, process.env);
  } catch (error) {
    const details = describeFault(error);
    if (details === undefined) throw error;
    return [{ name: 'Configuration', outcome: 'Failure', details }];
  }
  const { runChecks } = await import('./status/checks.js');
  return runChecks(inspected, changedMeanings(args, process.env));
}

async function upgradeCheck(_options: unknown, command: Command): Promise<void> {
  // What the checks have to say stands in the table.
  configureLogging({ debug: false, useJson: false, file: '/dev/null' });
  const found = await results(command);
  process.stdout.write(`${drawResults(found)}\n`);
  process.exitCode = exitStatus(found);
}

async function health(name: ServiceName | undefined, _options: unknown, command: Command): Promise<void> {
  const service = name ?? serviceOf(firstProcess());
  try {
    await checkHealth(loadConf(confArgs(command), process.env).conf, service);
    process.stdout.write(`${service} is well\n`);
  } catch (error) {
    // Docker knows no other status of a check.
    reportFault(NAME, error, loggerFor(NAME));
    process.exitCode = 1;
  }
}

const status = baseCommand(NAME, 'Checks whether Kerbside can start and serve.');
const upgrade = status.command('upgrade').description('before and after an upgrade').helpCommand(false);
upgrade
  .command('check')
  .description(
    'check configuration, database, certificates and sources; exit status 0, 1 (warning) or 2 (failure)',
  )
  .action(upgradeCheck);

status
  .command('health')
  .description('ask the service on this machine whether it is well; exit status 0 (yes) or 1 (no)')
  .addArgument(
    new Argument('[service]', 'default: the first process of this container, or kerbside').choices(SERVICES),
  )
  .action(health);

try {
  await status.parseAsync(process.argv);
} catch (error) {
  reportFault(NAME, error, loggerFor(NAME));
  process.exitCode = CHECK_FAILED;
}
