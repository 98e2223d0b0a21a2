// SPDX-License-Identifier: Apache-2.0
// kerbside-manage audit keygen, export and verify: what others can be shown of the audit trail, and whether it is whole.
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { Conflict, InvalidInput } from '../../exception.js';
import { verifyFile, type FileReport } from '../../audit/file-verification.js';
import { exportLines } from '../../audit/signed-export.js';
import { makeSigningKey, readPublicKey, readSigningKey } from '../../audit/signing-key.js';
import { AUDIT_ACT } from '../../objects/audit-message.js';
import type { AuditChain } from '../../objects/audit-chain.js';
import type { Database } from '../../objects/database.js';
import type { ChainReport } from '../../objects/audit-verification.js';
import { writePrivately } from '../private-file.js';
import { recordAct } from './acts.js';
import { readTime, showTime } from './audit-times.js';
import { configure, say, withContext } from './run.js';

const STDOUT = '-';
const OWNER_ONLY = 0o600;

function keygen(options: { readonly privateKey: string }): void {
  const { privateKey: path } = options;
  if (existsSync(path)) throw new Conflict(`${path} is there already; give another name`);
  const { publicKey, privateKey } = makeSigningKey();
  writePrivately(path, privateKey);
  say(publicKey);
  process.stderr.write(
    `The private key is in ${path}. Whoever checks exports needs the public key above, and has to have it from you.\n`,
  );
}

interface ExportOptions {
  readonly from: number;
  readonly to: number;
  readonly privateKey: string;
  readonly output: string;
}

async function exportPeriod(options: ExportOptions, command: Command): Promise<void> {
  const { from, to, output } = options;
  if (from >= to) throw new InvalidInput('--to: not after --from; the period has no events');
  const key = readSigningKey(textOf(options.privateKey));
  if (output !== STDOUT && existsSync(output))
    throw new Conflict(`${output} is there already; give another name`);
  const conf = configure(command);
  const { AuditChain } = await import('../../objects/audit-chain.js');
  const { AuditEvents } = await import('../../objects/audit-event.js');
  const { Database } = await import('../../db/database.js');
  await withContext({ conf }, [Database, AuditEvents], async (db, events) => {
    const chain = new AuditChain(db);
    const unsealed = await chain.unsealed();
    const period = { from, to, exported: Date.now() / 1000, unsealed };
    const count = await write(output, exportLines(chain.within(from, to), period, key));
    await recordAct(events, conf, AUDIT_ACT.exported(showTime(from), showTime(to)));
    const waiting =
      unsealed === 0 ? '' : `; ${unsealed} events have no place in the chain yet, and are not in it`;
    process.stderr.write(`${count} events from ${showTime(from)} to ${showTime(to)}${waiting}\n`);
  });
}

/** Writes lines, no faster than they are taken; gives how many are events. */
async function write(output: string, lines: AsyncIterable<string>): Promise<number> {
  const to: Writable =
    output === STDOUT ? process.stdout : createWriteStream(output, { flags: 'wx', mode: OWNER_ONLY });
  // Listened to from the beginning: a full disk must not end the process without a word.
  const closed = output === STDOUT ? null : finished(to);
  closed?.catch(() => undefined);
  let count = -2;
  for await (const line of lines) {
    count += 1;
    if (!to.write(line)) await once(to, 'drain');
  }
  if (closed === null) return count;
  to.end();
  await closed;
  return count;
}

interface VerifyOptions {
  readonly publicKey?: string;
  readonly database?: true;
}

async function verify(file: string | undefined, options: VerifyOptions, command: Command): Promise<void> {
  if (file === undefined) {
    await withDatabase(command, async (db) => {
      const { verifyChain } = await import('../../objects/audit-verification.js');
      tellChain(await verifyChain(db));
    });
    return;
  }
  const key = options.publicKey === undefined ? undefined : readPublicKey(options.publicKey);
  const check = async (chain?: AuditChain): Promise<void> => tellFile(await verifyFile(file, { key, chain }));
  if (options.database !== true) {
    await check();
    return;
  }
  const { AuditChain } = await import('../../objects/audit-chain.js');
  await withDatabase(command, (db) => check(new AuditChain(db)));
}

async function withDatabase(command: Command, work: (db: Database) => Promise<void>): Promise<void> {
  const conf = configure(command);
  const { Database } = await import('../../db/database.js');
  await withContext({ conf, readOnly: true }, [Database], work);
}

function tellChain({ checked, removed, unchecked, unsealed, position, digest, faults }: ChainReport): void {
  say(`${checked} events checked, ${removed} removed by retention, ${unsealed} not sealed yet`);
  if (unchecked > 0) say(`${unchecked} events could not be checked: what was before them is removed`);
  say(`the chain ends at position ${position} with ${digest}`);
  conclude(faults, 'the audit trail is whole');
}

function tellFile({ events, repeated, absent, removed, signed, faults }: FileReport): void {
  say(`${events} events, ${repeated} of them repeated; ${absent} positions between them are not in the file`);
  if (removed > 0) say(`${removed} events are not in the database any more: retention has removed them`);
  conclude(faults, signed ? 'the file is what was signed' : 'the file is whole; it is not signed');
}

function conclude(faults: readonly string[], well: string): void {
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  if (faults.length === 0) say(well);
  else process.exitCode = 1;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidInput(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'fault'})`);
  }
}

/** Adds `audit keygen`, `audit export` and `audit verify`. */
export function addAuditProofCommands(audit: Command): void {
  audit
    .command('keygen')
    .description('make a key pair that exports are signed with; print the public key')
    .requiredOption('--private-key <file>', 'where the private key goes')
    .action(keygen);
  audit
    .command('export')
    .description('write the events of a period as signed JSON lines')
    .requiredOption('--from <time>', 'the first moment of the period', readTime)
    .requiredOption('--to <time>', 'the end of the period, which does not belong to it', readTime)
    .requiredOption('--private-key <file>', 'the key that signs')
    .option('--output <file>', 'the file to write; - is standard output', STDOUT)
    .action(exportPeriod);
  audit
    .command('verify [file]')
    .description('check the audit trail in the database, or a file of JSON lines')
    .option('--public-key <key>', 'the key that an export must be signed with')
    .option('--database', 'compare the events of the file with those in the database')
    .action(verify);
}
