// SPDX-License-Identifier: Apache-2.0
// kerbside-manage recording: the key pair of recordings, which recordings there are, what is in one, and a server that plays
// one to a viewer. None of it needs the database or a running Kerbside.
import { existsSync, readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { Conflict, InvalidInput, Unavailable } from '../../exception.js';
import { channelName } from '../../console/spice/constants.js';
import { makeKeyPair, privateKeyOf } from '../../recording/keys.js';
import type { PrivateKey, ReadOutcome, RecordingSummary } from '../../recording/recording-reader.js';
import { partsOf, placedEntries } from '../../recording/session-parts.js';
import { ChannelTotals } from '../../recording/channel-totals.js';
import { writePrivately } from '../private-file.js';
import { printable, printRows, readFormat, type Format } from '../table.js';
import { configure, say } from './run.js';

const COLUMNS = [
  'session_id',
  'source',
  'console',
  'name',
  'user',
  'begin',
  'seconds',
  'bytes',
  'parts',
  'complete',
  'gaps',
  'state',
];
const CHANNEL_COLUMNS = [
  'generation',
  'channel',
  'id',
  'way',
  'messages',
  'bytes',
  'left_out',
  'gaps',
  'lost',
];

interface PathOptions {
  readonly path?: string;
}

interface KeyOptions extends PathOptions {
  readonly privateKey: string;
}

function keygen(options: { readonly privateKey: string }): void {
  if (existsSync(options.privateKey))
    throw new Conflict(
      `${options.privateKey} is there already, and what was recorded for it can be read with nothing else; give another name`,
    );
  const { publicKey, privateKey } = makeKeyPair();
  writePrivately(options.privateKey, privateKey);
  say(
    `# The private key is in ${options.privateKey}: keep it where recordings are watched, and a copy of it elsewhere.`,
  );
  say('[recording]');
  say(`public_key = ${publicKey}`);
}

/** The recordings of --path, or else of [recording] path. @throws InvalidInput, Unavailable */
async function recordingsIn(options: PathOptions, command: Command): Promise<RecordingSummary[]> {
  const path = options.path ?? configure(command).recording.path;
  if (path === '') throw new InvalidInput('[recording] path is not set; set it, or give --path');
  const { listRecordings } = await import('../../recording/recording-folder.js');
  try {
    return await listRecordings(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new Unavailable(`${path} cannot be read (${code}); give the directory of recordings with --path`);
  }
}

function keyIn(path: string): PrivateKey {
  let pem: string;
  try {
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidInput(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'fault'})`);
  }
  return privateKeyOf(pem);
}

/** In one word what is to be known of a session's recording before it is watched. */
function stateOf(parts: readonly RecordingSummary[]): string {
  if (parts.some(({ live }) => live)) return 'being written';
  if (parts.some(({ complete }) => !complete)) return 'unfinished';
  return parts.some(({ gaps }) => gaps) ? 'with gaps' : 'complete';
}

async function list(options: PathOptions & { readonly format: Format }, command: Command): Promise<void> {
  const all = await recordingsIn(options, command);
  const sessions = new Set(all.map(({ metadata }) => metadata.sessionId));
  const rows = [...sessions].map((sessionId) => {
    const parts = all.filter((recording) => recording.metadata.sessionId === sessionId);
    const metadata = parts[0]?.metadata;
    const begin = metadata?.begin ?? 0;
    const end = Math.max(...parts.map((part) => part.metadata.begin + part.seconds * 1e6));
    return {
      ...{ session_id: sessionId, source: metadata?.source ?? '', console: metadata?.uuid ?? '' },
      ...{ name: metadata?.name ?? '', user: metadata?.user ?? '' },
      begin: new Date(begin / 1000).toISOString(),
      seconds: Math.round((end - begin) / 1e5) / 10,
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      parts: parts.length,
      complete: parts.every(({ complete }) => complete),
      gaps: parts.some(({ gaps }) => gaps),
      state: stateOf(parts),
    };
  });
  printRows(options.format, COLUMNS, rows);
}

async function show(
  session: string,
  options: KeyOptions & { readonly messages?: true; readonly format: Format },
  command: Command,
): Promise<void> {
  const parts = partsOf(await recordingsIn(options, command), session);
  const key = keyIn(options.privateKey);
  const outcomes: ReadOutcome[] = parts.map(() => ({ complete: false, fault: null }));
  const totals = new ChannelTotals();
  const begin = parts[0]?.metadata.begin ?? 0;
  for await (const placed of placedEntries(parts, key, outcomes)) {
    const line = totals.add(placed);
    if (options.messages === true && line !== null)
      say(`${((placed.at - begin) / 1e6).toFixed(6).padStart(12)} ${line}`);
  }
  const rows = totals.rows().map(({ type, ...row }) => ({ channel: channelName(type) ?? `${type}`, ...row }));
  if (options.messages !== true) printRows(options.format, CHANNEL_COLUMNS, rows);
  for (const [at, { complete, fault }] of outcomes.entries())
    if (!complete) tellIncomplete(parts[at] as RecordingSummary, fault);
  for (const part of parts) if (part.gaps) tellGaps(part, totals);
  if (outcomes.some(({ fault }) => fault !== null)) process.exitCode = 1;
}

function tellIncomplete({ path, live }: RecordingSummary, fault: string | null): void {
  const why = live
    ? 'it is being written: this is what there is up to now'
    : 'it is unfinished: its proxy was killed, its disk failed, or its last part is missing';
  process.stderr.write(`${printable(path)}: ${fault ?? why}\n`);
}

function tellGaps({ path }: RecordingSummary, totals: ChannelTotals): void {
  const { gaps, lost } = totals.missing();
  const what =
    gaps === 0
      ? `it ends before its session did: ${printable(totals.reason ?? 'no reason is recorded')}`
      : `${lost} messages are missing in ${gaps} gaps, as the disk was too slow; see the columns gaps and lost`;
  process.stderr.write(`${printable(path)}: ${what}\n`);
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('Give a port from 0 to 65535; 0 takes a free one.');
}

function readSpeed(text: string): number {
  const speed = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && speed >= 0.1 && speed <= 1000) return speed;
  throw new InvalidArgumentError('Give a speed from 0.1 to 1000; 1 is the real one.');
}

function readSeconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give seconds from the beginning.');
}

interface ReplayCommandOptions extends KeyOptions {
  readonly port: number;
  readonly speed: number;
  readonly from: number;
  readonly stay?: true;
}

async function replay(session: string, options: ReplayCommandOptions, command: Command): Promise<void> {
  const parts = partsOf(await recordingsIn(options, command), session);
  const key = keyIn(options.privateKey);
  const { replayRecording } = await import('../../recording/replay/replay.js');
  await replayRecording({ ...options, parts, key, stay: options.stay === true, say });
}

/** Adds `recording keygen`, `list`, `show` and `replay`. */
export function addRecordingCommands(manage: Command): void {
  const recording = manage
    .command('recording')
    .description('recordings of sessions, and the key that reads them')
    .helpCommand(false);
  recording
    .command('keygen')
    .description('make a key pair for recordings; print the line for kerbside.conf')
    .requiredOption('--private-key <file>', 'where the private key goes')
    .action(keygen);
  recording
    .command('list')
    .description('list the recordings of a directory; needs no key')
    .option('--path <folder>', 'the directory; [recording] path when absent')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(list);
  recording
    .command('show <session>')
    .description('show what is in the recording of a session, and whether all of it is there')
    .requiredOption('--private-key <file>', 'the private key that it was made for')
    .option('--path <folder>', 'the directory; [recording] path when absent')
    .option('--messages', 'a line for each message in place of the totals')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(show);
  recording
    .command('replay <session>')
    .description('play the recording of a session to a SPICE viewer on this machine')
    .requiredOption('--private-key <file>', 'the private key that it was made for')
    .option('--path <folder>', 'the directory; [recording] path when absent')
    .option('--port <port>', 'the port on 127.0.0.1; any free one when 0', readPort, 0)
    .option('--speed <factor>', 'how fast', readSpeed, 1)
    .option('--from <seconds>', 'from where on it plays; what comes before is shown at once', readSeconds, 0)
    .option('--stay', 'keep the last picture until the viewer is closed')
    .action(replay);
}
