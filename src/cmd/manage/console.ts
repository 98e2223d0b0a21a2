// SPDX-License-Identifier: Apache-2.0
// kerbside-manage console: the consoles that Kerbside knows, and a .vv file that opens one of them. Who may run this may read
// the database, so no policy is asked.
import type { Command } from 'commander';
import { Conflict, NotFound } from '../../exception.js';
import type { Console } from '../../objects/console.js';
import { writePrivately } from '../private-file.js';
import { printable, printRows, readFormat } from '../table.js';
import type { Format, Row } from '../table.js';
import { operatorName } from './operator.js';
import { everyPage } from './pages.js';
import { configure, say, withContext } from './run.js';

const STDOUT = '-';
const NO_FILE = 'this console speaks VNC, and opens in the browser only; no .vv file is made of it';
const COLUMNS = ['source', 'uuid', 'name', 'protocol', 'hypervisor', 'state', 'project_id', 'sessions'];

function toRow(console: Console): Row {
  return {
    source: console.source,
    uuid: console.uuid,
    name: console.name,
    protocol: console.protocol,
    hypervisor: console.hypervisor,
    state: console.instanceState,
    project_id: console.projectId,
    sessions: console.sessionIds.length,
  };
}

async function list(options: { readonly format: Format }, command: Command): Promise<void> {
  const conf = configure(command);
  const { Consoles } = await import('../../objects/console.js');
  await withContext({ conf }, [Consoles], async (consoles) => {
    const found = await everyPage((page) => consoles.list(page));
    printRows(options.format, COLUMNS, found.map(toRow));
  });
}

/** What holds for the console at this moment, by the configuration that this command reads. */
async function guestPolicy(
  source: string,
  uuid: string,
  options: { readonly format: Format },
  command: Command,
): Promise<void> {
  const conf = configure(command);
  const { ConsoleSettings } = await import('../../objects/console-settings.js');
  const { settledRecord } = await import('../../objects/guest-policy-levels.js');
  await withContext({ conf }, [ConsoleSettings], async (settings) => {
    const policy = await settings.guestPolicy(source, uuid);
    if (policy === null) throw unknown(source, uuid);
    const rows = Object.entries(settledRecord(policy)).map(([key, { value, from }]) => ({
      key,
      value: typeof value === 'object' ? value.join(', ') : value,
      from,
    }));
    printRows(options.format, ['key', 'value', 'from'], rows);
  });
}

function unknown(source: string, uuid: string): NotFound {
  return new NotFound(
    `there is no console ${uuid} of source ${source}; "kerbside-manage console list" shows those that are known`,
  );
}

/** For the audit trail: a token made here is made for whoever sits at the terminal. */
function issuedTo(name: string | null): string {
  return `${name ?? `user ${process.getuid?.() ?? '?'}`} (kerbside-manage)`;
}

async function open(
  source: string,
  uuid: string,
  options: { readonly save: string },
  command: Command,
): Promise<void> {
  const conf = configure(command);
  const { CaCertificate } = await import('../../tls/ca-certificate.js');
  const { ConsoleFiles } = await import('../../api/console-files.js');
  const { ConsoleIssue } = await import('../../broker/console-issue.js');
  const { AuditEvents } = await import('../../objects/audit-event.js');
  const { ConsoleTokens } = await import('../../objects/console-token.js');
  const { ConsoleUse } = await import('../../objects/console-use.js');
  const { Consoles } = await import('../../objects/console.js');
  const { ConsoleSettings } = await import('../../objects/console-settings.js');
  // Before the token: a file that clients could not use would cost one.
  const ca = await CaCertificate.load(conf.spice.cacertPath);
  const wanted = [Consoles, ConsoleTokens, AuditEvents, ConsoleSettings, ConsoleUse] as const;
  await withContext({ conf }, wanted, async (consoles, tokens, events, settings, use) => {
    const files = new ConsoleFiles(conf.spice, ca, settings);
    const console = await consoles.identify(source, uuid);
    if (console?.sourceIsThere !== true) throw unknown(source, uuid);
    if (console.protocol === 'vnc') throw new Conflict(NO_FILE);
    const issue = new ConsoleIssue({ tokens, events, use, node: conf.default.nodeName });
    const by = { kind: 'operator', name: operatorName(process.env) } as const;
    const asked = { source, uuid, issuedTo: issuedTo(by.name), replacing: 'where_auto' } as const;
    const session = await issue.token(asked, by);
    const text = await files.text({ source, uuid, name: console.name, ...session });
    if (options.save === STDOUT) {
      process.stdout.write(text);
      return;
    }
    writePrivately(options.save, text);
    const until = new Date(session.expires * 1000).toISOString();
    say(
      `${options.save} opens ${printable(console.name ?? uuid)} once, until ${until}: remote-viewer ${options.save}`,
    );
  });
}

/** Adds `console list`, `console open` and `console policy`. */
export function addConsoleCommands(manage: Command): void {
  const console = manage
    .command('console')
    .description('consoles, and files that open them')
    .helpCommand(false);
  console
    .command('list')
    .description('list the consoles that Kerbside knows')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(list);
  console
    .command('open <source> <uuid>')
    .description(
      'write a .vv file that opens a console; it holds a password, and is readable for its owner only',
    )
    .option('--save <file>', 'the file to write; - prints it', 'console.vv')
    .action(open);
  console
    .command('policy <source> <uuid>')
    .description('show what data may enter and leave a desktop, and which place says so')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(guestPolicy);
}
