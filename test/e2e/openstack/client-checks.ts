// SPDX-License-Identifier: Apache-2.0
// The openstack command with Kerbside's plugin, as a user and as an operator type it: against the real Keystone, Nova and
// guest, with OSC of two Debian releases.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram, waitFor } from '../../fixtures/program.js';
import { repositoryRoot } from '../../fixtures/repository.js';
import { parseVvFile } from '../../fixtures/vv-file.js';
import { startXServer } from '../../fixtures/x11.js';
import { type Check, type CheckContext, directHash } from './check.js';
import { openStackCommands, type OpenStackCommand } from './openstack-command.js';

/** In the order that they run. */
export const CLIENT_CHECKS: readonly Check[] = [
  { claim: 'openstack plugin: console desktop open --save is the guest’s screen', prove: saved },
  {
    claim: 'openstack plugin: console desktop open starts remote-viewer, console session end ends it',
    prove: viewed,
  },
  { claim: 'openstack plugin: console desktop open --html5 opens the URL that Nova makes', prove: browsed },
  { claim: 'openstack plugin: listings are for those whom policy allows them', prove: listed },
];

const SESSION_MS = 30_000;

interface ListedSession {
  readonly ID: string;
  readonly State: string;
  readonly 'Server ID': string;
}

let prepared: Promise<OpenStackCommand[]> | undefined;

/** The commands, and Kerbside in the catalog for them. */
function commands(context: CheckContext): Promise<OpenStackCommand[]> {
  prepared ??= (async () => {
    await register(context);
    return openStackCommands(context.cloud, context.dir);
  })();
  return prepared;
}

async function register({ cloud, door }: CheckContext): Promise<void> {
  const env = {
    ...process.env,
    OS_AUTH_URL: cloud.keystone,
    OS_USERNAME: 'admin',
    OS_PASSWORD: cloud.password,
    OS_PROJECT_NAME: 'admin',
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_DEFAULT__STATE_PATH: door.dir,
  };
  const manage = join(repositoryRoot(), 'dist/cmd/manage.js');
  const words = ['service', 'register', '--no-user', '--public-url', door.kerbside.apiUrl];
  const outcome = await runProgram(process.execPath, [manage, ...words], { env, timeoutMs: 60_000 });
  if (outcome.status !== 0) throw new Error(`kerbside-manage ${words.join(' ')}: ${outcome.stderr}`);
}

async function saved(context: CheckContext): Promise<string> {
  const { door, demo, guest } = context;
  const own = await directHash(context, guest);
  const versions: string[] = [];
  for (const openstack of await commands(context)) {
    const text = await openstack.run(demo, 'console', 'desktop', 'open', guest.name, '--save', '-');
    const { hash } = await door.picture(parseVvFile(text));
    if (hash !== own) throw new Error(`${openstack.version}: shows ${hash ?? 'nothing'}, not ${own}`);
    versions.push(openstack.version);
  }
  return `${versions.join(' and ')}: ${own}`;
}

async function viewed(context: CheckContext): Promise<string> {
  const { demo, dir, guest } = context;
  const openstack = await ofThisMachine(context);
  const home = join(dir, 'desktop');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const x = await startXServer(join(dir, 'x'));
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    XDG_RUNTIME_DIR: home,
    DISPLAY: x.display,
    LANG: 'C.UTF-8',
  };
  const program = await openstack.start(demo, home, env, 'console', 'desktop', 'open', guest.id);
  try {
    const session = await waitFor(
      'session of remote-viewer',
      async () => {
        if (program.ended() !== null) throw new Error(`it ended: ${program.output()}`);
        const sessions = await sessionsOf(openstack, context);
        return sessions.find((one) => one.State === 'active' && one['Server ID'] === guest.id);
      },
      { giveUpMs: SESSION_MS },
    );
    const shown = await openstack.run(demo, 'console', 'session', 'show', session.ID, '-f', 'json');
    const { channels } = JSON.parse(shown) as { channels: { channel: string }[] };
    if (channels.length < 4) throw new Error(`it has ${channels.length} channels only`);
    await openstack.run(demo, 'console', 'session', 'end', session.ID);
    await waitFor('end of remote-viewer', () => program.ended() !== null, { giveUpMs: SESSION_MS });
    const open = (await sessionsOf(openstack, context)).filter(({ ID }) => ID === session.ID);
    if (open.length > 0) throw new Error('the session is listed after its end');
    return `${openstack.version}: ${channels
      .map(({ channel }) => channel)
      .sort()
      .join(', ')}`;
  } finally {
    await program.stop();
    await x.stop();
  }
}

async function sessionsOf(openstack: OpenStackCommand, { demo }: CheckContext): Promise<ListedSession[]> {
  const text = await openstack.run(demo, 'console', 'session', 'list', '--long', '-f', 'json');
  return JSON.parse(text) as ListedSession[];
}

async function browsed(context: CheckContext): Promise<string> {
  const { demo, dir, guest } = context;
  const openstack = await ofThisMachine(context);
  const home = join(dir, 'browser');
  mkdirSync(home, { recursive: true });
  const [browser, seen] = [join(home, 'browser'), join(home, 'url')];
  writeFileSync(browser, `#!/bin/sh\necho "$1" >${seen}\n`);
  chmodSync(browser, 0o755);
  const env = { ...process.env, BROWSER: `${browser} %s`, HOME: home };
  const program = await openstack.start(demo, home, env, 'console', 'desktop', 'open', guest.name, '--html5');
  await waitFor('URL in the browser', () => program.ended() !== null, { giveUpMs: SESSION_MS });
  if (!existsSync(seen)) throw new Error(`no browser was opened: ${program.output()}`);
  const url = new URL(readFileSync(seen, 'utf8').trim());
  rmSync(seen);
  if (!url.searchParams.has('token')) throw new Error(`the URL has no token: ${url.origin}${url.pathname}`);
  return `${openstack.version}: ${url.origin}${url.pathname}?token=********`;
}

async function listed(context: CheckContext): Promise<string> {
  const { admin, demo, stranger, guest } = context;
  const words: string[] = [];
  for (const openstack of await commands(context)) {
    const sources = await openstack.run(admin, 'console', 'source', 'list', '-f', 'value', '-c', 'Type');
    if (sources.trim() !== 'openstack') throw new Error(`sources: ${sources}`);
    const server = ['--server', guest.id, '-f', 'value', '-c', 'Message'];
    const audit = await openstack.run(admin, 'console', 'audit', 'list', ...server);
    if (audit.trim() === '') throw new Error('the audit trail is empty');
    for (const listing of ['source', 'audit']) {
      const why = await openstack.refused(demo, 'console', listing, 'list');
      if (!why.includes('HTTP 403')) throw new Error(`${listing} for a member: ${why}`);
    }
    const others = await openstack.run(stranger, 'console', 'session', 'list', '--all', '-f', 'json');
    if (others.includes(guest.id)) throw new Error('another project sees the sessions');
    const hidden = await openstack.refused(stranger, 'console', 'desktop', 'open', guest.id, '--save', '-');
    words.push(`${openstack.version}: ${hidden.split('\n').at(-1) ?? ''}`);
  }
  return words.join('; ');
}

async function ofThisMachine(context: CheckContext): Promise<OpenStackCommand> {
  const here = (await commands(context)).at(-1);
  if (here === undefined) throw new Error('this machine has no openstack command');
  return here;
}
