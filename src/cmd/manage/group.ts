// SPDX-License-Identifier: Apache-2.0
// kerbside-manage group: the groups of local users, which lists of access name. A group is there while it has members.
import type { Command } from 'commander';
import { NotFound } from '../../exception.js';
import { AUDIT_ACT } from '../../objects/audit-message.js';
import { printRows, readFormat } from '../table.js';
import type { Format } from '../table.js';
import { recordAct } from './acts.js';
import { everyPage } from './pages.js';
import { configure, say, withContext } from './run.js';

const FROM_NEXT_LOGIN = 'API tokens that were issued before keep the groups that they have until they expire';

async function addToGroup(group: string, user: string, _options: unknown, command: Command): Promise<void> {
  const conf = configure(command);
  const { AuditEvents } = await import('../../objects/audit-event.js');
  const { Users } = await import('../../objects/user.js');
  await withContext({ conf }, [Users, AuditEvents], async (users, events) => {
    const joined = await users.join(group, user);
    if (joined) await recordAct(events, conf, AUDIT_ACT.joined(user, group));
    say(
      joined
        ? `user ${user} is in group ${group} now; ${FROM_NEXT_LOGIN}`
        : `user ${user} is in group ${group} already`,
    );
  });
}

async function removeFromGroup(
  group: string,
  user: string,
  _options: unknown,
  command: Command,
): Promise<void> {
  const conf = configure(command);
  const { AuditEvents } = await import('../../objects/audit-event.js');
  const { Users } = await import('../../objects/user.js');
  await withContext({ conf }, [Users, AuditEvents], async (users, events) => {
    if (!(await users.leave(group, user))) throw new NotFound(`user ${user} is not in group ${group}`);
    await recordAct(events, conf, AUDIT_ACT.left(user, group));
    say(`user ${user} is not in group ${group} any more; ${FROM_NEXT_LOGIN}`);
  });
}

async function listGroups(options: { readonly format: Format }, command: Command): Promise<void> {
  const conf = configure(command);
  const { Users } = await import('../../objects/user.js');
  await withContext({ conf }, [Users], async (users) => {
    const members = await everyPage((page) => users.members(page));
    printRows(
      options.format,
      ['group', 'user'],
      members.map(({ group, user }) => ({ group, user })),
    );
  });
}

/** Adds `group add`, `group remove` and `group list`. */
export function addGroupCommands(manage: Command): void {
  const group = manage.command('group').description('groups of local users').helpCommand(false);
  group.command('add <group> <user>').description('put a local user into a group').action(addToGroup);
  group
    .command('remove <group> <user>')
    .description('take a local user out of a group')
    .action(removeFromGroup);
  group
    .command('list')
    .description('list the groups with their members')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(listGroups);
}
