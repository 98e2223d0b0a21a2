// SPDX-License-Identifier: Apache-2.0
// kerbside-manage user: local users, for sites without Keystone.
import type { Command } from 'commander';
import { NotFound } from '../../exception.js';
import { readPassword } from '../password.js';
import { printRows, readFormat } from '../table.js';
import type { Format } from '../table.js';
import { configure, say, withContext } from './run.js';
import { everyPage } from './pages.js';

interface CreateOptions {
  readonly admin?: true;
  readonly passwordFile?: string;
}

async function createUser(name: string, options: CreateOptions, command: Command): Promise<void> {
  const conf = configure(command);
  const password = await readPassword(options.passwordFile);
  const { Users } = await import('../../objects/user.js');
  await withContext({ conf }, [Users], async (users) => {
    const user = await users.create(name, password, { admin: options.admin === true });
    say(`user ${user.name} created${user.admin ? ', with the rights of an administrator' : ''}`);
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
  const { Users } = await import('../../objects/user.js');
  await withContext({ conf }, [Users], async (users) => {
    if (!(await users.remove(name))) throw new NotFound(`there is no user ${name}`);
    say(`user ${name} deleted; API tokens that were issued before stay valid until they expire`);
  });
}

/** Adds `user create`, `user list` and `user delete`. */
export function addUserCommands(manage: Command): void {
  const user = manage.command('user').description('local users').helpCommand(false);
  user
    .command('create <name>')
    .description('create a user; the password is asked for, or read from a file or from standard input')
    .option('--admin', 'give the user the rights of an administrator')
    .option('--password-file <file>', 'read the password from the first line of this file')
    .action(createUser);
  user
    .command('list')
    .description('list the users')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(listUsers);
  user.command('delete <name>').description('delete a user').action(deleteUser);
}
