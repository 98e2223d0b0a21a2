// SPDX-License-Identifier: Apache-2.0
// kerbside-manage service list, delete and cleanup: the programs of this site by their heartbeats.
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { NotFound } from '../../exception.js';
import type { Service } from '../../objects/service.js';
import { printRows, readFormat } from '../table.js';
import type { Format, Row } from '../table.js';
import { everyPage } from './pages.js';
import { configure, say, withContext } from './run.js';
import { ageInWords, reportInWords } from './service-report.js';

const COLUMNS = ['id', 'host', 'binary', 'state', 'status', 'version', 'last_seen', 'report'];

function toRow(service: Service, format: Format): Row {
  const { id, host, binary, state, status, version, heartbeat, age, report } = service;
  const row = { id, host, binary, state, status, version };
  return format === 'json'
    ? { ...row, updated: heartbeat, report: JSON.stringify(report) }
    : { ...row, last_seen: ageInWords(age), report: reportInWords(report) };
}

function readId(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give the id that "service list" shows.');
}

function readAge(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a number of seconds.');
}

async function list(options: { readonly format: Format }, command: Command): Promise<void> {
  const conf = configure(command);
  const { Services } = await import('../../objects/service.js');
  await withContext({ conf }, [Services], async (services) => {
    const downTime = conf.default.serviceDownTime;
    const found = await everyPage((page) => services.list(page, { downTime }));
    printRows(
      options.format,
      COLUMNS,
      found.map((service) => toRow(service, options.format)),
    );
  });
}

async function remove(id: number, _options: unknown, command: Command): Promise<void> {
  const conf = configure(command);
  const { Services } = await import('../../objects/service.js');
  await withContext({ conf }, [Services], async (services) => {
    if (!(await services.remove(id)))
      throw new NotFound(
        `there is no service ${id} that can be deleted: it must be down, found so by a conductor, and have no open ` +
          'connections in the records',
      );
    say(`service ${id} deleted`);
  });
}

async function cleanup(options: { readonly age: number }, command: Command): Promise<void> {
  const conf = configure(command);
  const { Services } = await import('../../objects/service.js');
  await withContext({ conf }, [Services], async (services) => {
    say(`${await services.removeForgotten(options.age)} services deleted`);
  });
}

/** Adds `service list`, `service delete` and `service cleanup`. */
export function addServiceListCommands(service: Command): void {
  service
    .command('list')
    .description('list the programs of this site, and whether they are up')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(list);
  service
    .command('delete')
    .description('forget a program that is down; it comes back by itself when it runs again')
    .argument('<id>', 'as "service list" shows it', readId)
    .action(remove);
  service
    .command('cleanup')
    .description('forget all programs that are down')
    .option('--age <seconds>', 'only those that have been down for so long', readAge, 0)
    .action(cleanup);
}
