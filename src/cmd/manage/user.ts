// SPDX-License-Identifier: Apache-2.0
// kerbside-manage user: local users, for sites without Keystone.
import type { Command } from 'commander';
import { NotFound } from '../../exception.js';
import { AUDIT_ACT } from '../../objects/audit-message.js';
import { readPassword } from '../password.js';
import { printRows, readFormat } from '../table.js';
import type { Format } from '../table.js';
import { recordAct } from './acts.js';
import { configure, say, withContext } from './run.js';
import { everyPage } from './pages.js';

interface PasswordOptions {
  readonly passwordFile?: string;
}

interface CreateOptions extends PasswordOptions {
  readonly admin?: true;
  readonly group: readonly string[];
}

const PASSWORD_FILE = [
  '--password-file <file>',
  'read the password from the first line of this file',
] as const;
const TOKENS_STAY = 'API tokens that were issued before stay valid until they expire';

async function createUser(name: string, options: CreateOptions, command: Command): Promise<void> {
  const conf = configure(command);
  const password = await readPassword(options.passwordFile);
  const { AuditEvents } = await import('../../objects/audit-event.js');
  const { Users } = await import('../../objects/user.js');
  await withContext({ conf }, [Users, AuditEvents], async (users, events) => {
    const user = await users.create(name, password, {
      admin: options.admin === true,
      groups: options.group,
    });
    await recordAct(events, conf, AUDIT_ACT.userCreated(user.name, user.admin));
    const groups = options.group.length === 0 ? '' : `, in ${options.group.join(', ')}`;
    say(`user ${user.name} created${user.admin ? ', with the rights of an administrator' : ''}${groups}`);
  });
}

async function setPassword(name: string, options: PasswordOptions, command: Command): Promise<void> {
  const conf = configure(command);
  const password = await readPassword(options.passwordFile);
  const { AuditEvents } = await import('../../objects/audit-event.js');
  const { Users } = await import('../../objects/user.js');
  await withContext({ conf }, [Users, AuditEvents], async (users, events) => {
    if (!(await users.setPassword(name, password))) throw noUser(name);
    await recordAct(events, conf, AUDIT_ACT.passwordSet(name));
    say(`user ${name} has a new password; ${TOKENS_STAY}`);
  });
}

async function listUsers(options: { readonly format: Format }, command: Command): Promise<void> {
  const conf = configure(command);
  const { Users } = await import('../../objects/user.js');
  await withContext({ conf }, [Users], async (users) => {
    const found = await everyPage((page) => users.list(page));
    const rows = found.map(({ name, admin, created }) => ({
      name,
      admin,
      created: options.format === 'json' ? created : new Date(created * 1000).toISOString(),
    }));
    printRows(options.format, ['name', 'admin', 'created'], rows);
  });
}

async function deleteUser(name: string, _options: unknown, command: Command): Promise<void> {
  const conf = configure(command);
  const { AuditEvents } = await import('../../objects/audit-event.js');
  const { Users } = await import('../../objects/user.js');
  await withContext({ conf }, [Users, AuditEvents], async (users, events) => {
    if (!(await users.remove(name))) throw noUser(name);
    await recordAct(events, conf, AUDIT_ACT.userDeleted(name));
    say(`user ${name} deleted; ${TOKENS_STAY}`);
  });
}

/** Gathers an option that may be repeated. */
export function repeated(text: string, before: readonly string[]): string[] {
  return before.includes(text) ? [...before] : [...before, text];
}

function noUser(name: string): NotFound {
  return new NotFound(`there is no user ${name}`);
}

/** Adds `user create`, `user password`, `user list` and `user delete`. */
export function addUserCommands(manage: Command): void {
  const user = manage.command('user').description('local users').helpCommand(false);
  user
    .command('create <name>')
    .description('create a user; the password is asked for, or read from a file or from standard input')
    .option('--admin', 'give the user the rights of an administrator')
    .option('--group <group>', 'put the user into this group; may be repeated', repeated, [])
    .option(...PASSWORD_FILE)
    .action(createUser);
  user
    .command('password <name>')
    .description('set the password of a user; it is asked for, or read from a file or from standard input')
    .option(...PASSWORD_FILE)
    .action(setPassword);
  user
    .command('list')
    .description('list the users')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(listUsers);
  user.command('delete <name>').description('delete a user').action(deleteUser);
}
