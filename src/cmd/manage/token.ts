// SPDX-License-Identifier: Apache-2.0
// kerbside-manage token create: an API token, signed with the seed of the configuration. It needs no database.
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { checkSeed } from '../../conf/index.js';
import { writePrivately } from '../private-file.js';
import { configure, say } from './run.js';
import { repeated } from './user.js';

const LONGEST_MINUTES = 10 * 366 * 24 * 60;

interface TokenOptions {
  readonly subject: string;
  readonly duration?: number;
  readonly output?: string;
  readonly admin?: true;
  readonly group: readonly string[];
}

function readMinutes(text: string): number {
  const minutes = Number(text);
  if (/^\d+$/.test(text) && minutes >= 1 && minutes <= LONGEST_MINUTES) return minutes;
  throw new InvalidArgumentError(`Give whole minutes from 1 to ${LONGEST_MINUTES}.`);
}

function readSubject(text: string): string {
  if (/^[^\p{Cc}]{1,255}$/u.test(text.trim())) return text.trim();
  throw new InvalidArgumentError('Give a user name of 1 to 255 characters.');
}

async function createToken(options: TokenOptions, command: Command): Promise<void> {
  const conf = configure(command);
  checkSeed(conf);
  const { mintToken } = await import('../../identity/jwt.js');
  const { token, expires } = await mintToken(
    { user: options.subject, admin: options.admin === true, groups: options.group },
    {
      seed: conf.api.authSecretSeed.reveal(),
      issuer: conf.spice.publicFqdn,
      ttl: options.duration === undefined ? conf.api.tokenTtl : options.duration * 60,
    },
  );
  if (options.output === undefined) {
    say(token);
    return;
  }
  writePrivately(options.output, `${token}\n`);
  const until = new Date(expires * 1000).toISOString();
  say(`a token for ${options.subject}, valid until ${until}, is in ${options.output}`);
}

/** Adds `token create`. */
export function addTokenCommands(manage: Command): void {
  const token = manage.command('token').description('tokens for the REST API').helpCommand(false);
  token
    .command('create')
    .description('sign an API token with [api] auth_secret_seed and print it')
    .requiredOption('--subject <name>', 'the user that the token speaks for', readSubject)
    .option('--duration <minutes>', 'how long it is valid; [api] token_ttl when absent', readMinutes)
    .option('--output <file>', 'write it to this file, readable for its owner only, instead of printing it')
    .option('--admin', 'give it the rights of an administrator')
    .option('--group <group>', 'a group that it carries; may be repeated', repeated, [])
    .action(createToken);
}
