// SPDX-License-Identifier: Apache-2.0
// The openstack command with Kerbside's plugin: the one of the cloud's Debian 13 (OSC 7.4) inside its root, and the one of
// this machine (OSC 6.0 on Debian 12) where there is one. The plugin is the folder of the repository with its entry
// points beside it; nothing is installed.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openStackPlugin, PYTHON } from '../../fixtures/openstack-plugin.js';
import { runProgram, startProgram, type Program } from '../../fixtures/program.js';
import type { Account, Cloud } from './cloud.js';

const COMMAND_MS = 60_000;
/** Where the cloud's root has the plugin. */
const INSIDE = '/opt/kerbsideclient';

/** One openstack command. */
export interface OpenStackCommand {
  /** Such as `OSC 7.4.0`. */
  readonly version: string;
  /** Runs it to its end. @throws Error with its words when it fails */
  run(account: Account, ...words: string[]): Promise<string>;
  /** What it says when it fails. @throws Error when it succeeds */
  refused(account: Account, ...words: string[]): Promise<string>;
  /** Starts it, with a screen; the command of this machine only. */
  start(account: Account, dir: string, env: NodeJS.ProcessEnv, ...words: string[]): Promise<Program>;
}

/** The plugin for both; `dir` is a private folder. */
export async function openStackCommands(cloud: Cloud, dir: string): Promise<OpenStackCommand[]> {
  const plugin = await openStackPlugin(join(dir, 'plugin'));
  const inside = join(cloud.root, INSIDE);
  rmSync(inside, { recursive: true, force: true });
  cpSync(plugin, inside, { recursive: true });
  const within = ['chroot', cloud.root, 'env', '-i', 'PATH=/usr/bin:/bin', 'LANG=C.UTF-8', 'HOME=/root'];
  const commands = [
    await command(cloud, [...within, `PYTHONPATH=${INSIDE}`], ['/usr/bin/openstack']),
    await command(cloud, ['env', `PYTHONPATH=${plugin}`], [PYTHON, '-m', 'openstackclient.shell']),
  ];
  return commands;
}

async function command(
  cloud: Cloud,
  prefix: readonly string[],
  program: readonly string[],
): Promise<OpenStackCommand> {
  const line = (account: Account, words: readonly string[]): [string, string[]] => {
    const login = Object.entries(loginOf(cloud, account)).map(([name, value]) => `${name}=${value}`);
    const [first = '', ...rest] = [...prefix, ...login, ...program, ...words];
    return [first, rest];
  };
  const attempt = async (account: Account, words: readonly string[]): ReturnType<typeof runProgram> => {
    const [first, rest] = line(account, words);
    return runProgram(first, rest, { timeoutMs: COMMAND_MS });
  };
  const nobody: Account = { user: '', project: '', projectId: '', token: '' };
  const { stdout, stderr, status } = await attempt(nobody, ['--version']);
  if (status !== 0) throw new Error(`there is no openstack command (${program.join(' ')}): ${stderr}`);
  return {
    version: `OSC ${stdout.trim().split(' ').at(-1) ?? ''}`,
    run: async (account, ...words) => {
      const outcome = await attempt(account, words);
      if (outcome.status !== 0) throw new Error(`openstack ${words.join(' ')}: ${outcome.stderr.trim()}`);
      return outcome.stdout;
    },
    refused: async (account, ...words) => {
      const outcome = await attempt(account, words);
      if (outcome.status === 0) throw new Error(`openstack ${words.join(' ')} was not refused`);
      return outcome.stderr.trim();
    },
    start: async (account, dir, env, ...words) => {
      const [first, rest] = line(account, words);
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      return startProgram(first, rest, { logFile: join(dir, 'openstack.log'), env });
    },
  };
}

function loginOf(cloud: Cloud, { user, project }: Account): Record<string, string> {
  return {
    OS_AUTH_URL: cloud.keystone,
    OS_IDENTITY_API_VERSION: '3',
    OS_USERNAME: user,
    OS_PASSWORD: cloud.password,
    OS_PROJECT_NAME: project,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: 'RegionOne',
  };
}
