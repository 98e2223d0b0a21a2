// SPDX-License-Identifier: Apache-2.0
// Sessions are recorded by a real proxy: which of them, what is in the recording and what is not, and what happens when the
// disk is full, gone, or was never there.
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CHANNEL } from '../../../src/console/spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import type { Entry } from '../../../src/recording/records.js';
import { HYPERVISOR, Site, type Desk, type Guest } from '../../fixtures/kerbside.js';
import {
  runProgram,
  startProgram,
  waitFor,
  waitForOutput,
  type ProgramResult,
} from '../../fixtures/program.js';
import { readRecording, recordingFolder, recordingKeys, recordingsIn } from '../../fixtures/recordings.js';
import { SpiceClient } from '../../fixtures/spice-client.js';
import { scratchFolder } from '../../fixtures/scratch.js';

const { KEY_SCANCODE, MOUSE_POSITION } = CLIENT_MESSAGE.inputs;
const { MARK, DRAW_FILL } = SERVER_MESSAGE.display;
const KEY = Buffer.from('1e9e', 'hex');
const POSITION = Buffer.alloc(11);

const folder = scratchFolder('kerbside-recording-');
const keys = recordingKeys(folder);
const path = recordingFolder(join(folder, 'recordings'));
let site: Site;

beforeAll(async () => {
  site = await Site.start({
    OS_RECORDING__PATH: path,
    OS_RECORDING__PUBLIC_KEY: keys.publicKey,
    OS_SPICE__WORKERS: '2',
  });
});
afterEach(async () => {
  await site.tidy();
  for (const file of recordingsIn(path)) rmSync(file);
});
afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ENV = { PATH: process.env['PATH'] };

/** kerbside-manage recording. */
function manage(...words: string[]): Promise<ProgramResult> {
  return runProgram(process.execPath, ['dist/cmd/manage.js', 'recording', ...words], { env: ENV });
}

type Message = Extract<Entry, { kind: 'message' }>;

/** The one recording of a client's session, once it has ended. */
async function ended(
  { session }: Guest,
  inFolder = path,
): Promise<{ readonly file: string; readonly entries: Entry[] }> {
  const file = await waitFor('the end of the recording', () => {
    const [first, ...others] = recordingsIn(inFolder).filter((name) => name.includes(session));
    return others.length === 0 && first?.endsWith('.kerbrec') === true ? first : null;
  });
  const { entries, outcome } = await readRecording(file, keys.privateKey);
  expect(outcome).toEqual({ complete: true, fault: null });
  return { file, entries };
}

function messagesOf(entries: readonly Entry[], channelType: number, way: 'up' | 'down'): Message[] {
  const numbers = entries.flatMap((entry) =>
    entry.kind === 'channel' && entry.facts.type === channelType ? [entry.channel] : [],
  );
  return entries.filter(
    (entry): entry is Message =>
      entry.kind === 'message' && entry.way === way && numbers.includes(entry.channel),
  );
}

async function someDesktop(desk: Desk, client: Guest): Promise<void> {
  await client.openMain();
  const display = await client.open('display');
  const inputs = await client.open('inputs');
  const server = await desk.server.channel('display');
  for (let drawn = 0; drawn < 20; drawn += 1) server.send(DRAW_FILL, Buffer.alloc(60, drawn));
  server.send(MARK, Buffer.alloc(0));
  await display.waitFor(MARK);
  inputs.send(KEY_SCANCODE, KEY);
  inputs.send(MOUSE_POSITION, POSITION);
  await (await desk.server.channel('inputs')).waitFor(MOUSE_POSITION);
}

describe('a console that is recorded', () => {
  it('has what all its channels carry in one file, but for what was typed', async () => {
    const desk = await site.desk({}, { record: true });
    const client = await site.client(desk.uuid);
    await someDesktop(desk, client);
    await client.close();
    const { file, entries } = await ended(client);

    expect(statSync(file).mode & 0o777).toBe(0o600);
    const display = messagesOf(entries, CHANNEL.display, 'down');
    expect(display.filter(({ type }) => type === DRAW_FILL).map(({ body }) => body)).toEqual(
      Array.from({ length: 20 }, (_none, drawn) => Buffer.alloc(60, drawn)),
    );
    expect(display.at(-1)?.type).toBe(MARK);
    const main = messagesOf(entries, CHANNEL.main, 'down');
    expect(main.map(({ type }) => type)).toContain(SERVER_MESSAGE.main.INIT);
    const typed = messagesOf(entries, CHANNEL.inputs, 'up').map(({ type }) => type);
    expect(typed).toEqual([MOUSE_POSITION]);
    expect(entries.at(-1)).toMatchObject({ kind: 'end', reason: 'the session has ended' });
    await site.audited(desk.uuid, 'Recording begun');
    await site.audited(desk.uuid, `Recording ended: ${statSync(file).size} bytes`);
    await site.metricAtLeast('kerbside_recording_bytes_total', statSync(file).size);
  });

  it('is none that says nothing', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await someDesktop(desk, client);
    await client.close();
    await site.audited(desk.uuid, 'Channel closed: ');
    expect(recordingsIn(path).filter((name) => name.includes(client.session))).toEqual([]);
  });

  it('is one of a source that says so, unless it says otherwise', async () => {
    const server = await site.hypervisor();
    const console = { hypervisor: HYPERVISOR, hypervisor_ip: '127.0.0.1', insecure_port: server.plainPort };
    const yes = { ...console, uuid: 'aaaaaaaa-0000-4000-8000-000000000001', name: 'a', ticket: 's3cret' };
    const no = { ...yes, uuid: 'aaaaaaaa-0000-4000-8000-000000000002', record: false };
    await site.source({ ...{ source: 'studio', type: 'static', record: true, consoles: [yes, no] } });
    const clients: Guest[] = [];
    for (const { uuid } of [no, yes]) {
      const client = await site.client(uuid, {}, await site.kerbside.vv('studio', uuid));
      clients.push(client);
      await client.openMain();
      await client.close();
    }
    const [unrecorded, recorded] = clients as [Guest, Guest];
    await ended(recorded);
    expect(recordingsIn(path).filter((name) => name.includes(unrecorded.session))).toEqual([]);
  });

  it('is listed as being written while its session lives', async () => {
    const desk = await site.desk({}, { record: true });
    const client = await site.client(desk.uuid);
    await client.openMain();
    await waitFor('the recording', () => recordingsIn(path).length === 1);
    const listed = await waitFor('its header', async () => {
      const { stdout } = await manage('list', '--path', path, '--format', 'json');
      const rows = JSON.parse(stdout) as unknown[];
      return rows.length > 0 ? rows : null;
    });
    expect(listed).toMatchObject([{ complete: false, gaps: false, state: 'being written' }]);
    const shown = await manage('show', client.session, '--private-key', keys.file, '--path', path);
    expect(shown.stderr).toContain('it is being written: this is what there is up to now');
    await client.close();
    await ended(client);
  });

  it('is recorded on after the worker of one of its channels has died', async () => {
    const desk = await site.desk({}, { record: true });
    const client = await site.client(desk.uuid);
    await client.openMain();
    const [first = 0] = site.workerPids();
    process.kill(first, 'SIGKILL');
    await site.logged('a relay worker died');
    await client.close();
    const again = await site.client(desk.uuid);
    await someDesktop(desk, again);
    await again.close();
    await ended(client);
    await ended(again);
  });
});

/** A member of an answer of /v1. */
async function told(path: string, version: string): Promise<unknown> {
  const { body } = await site.kerbside.api('GET', path, { 'OpenStack-API-Version': `console ${version}` });
  const [noun] = Object.values(JSON.parse(body) as Record<string, Record<string, unknown>>);
  return noun?.['recorded'];
}

describe('the API', () => {
  it('says of one console whether it is recorded, and of one session whether it was', async () => {
    const recorded = await site.desk({}, { record: true });
    const other = await site.desk();
    for (const [desk, expected] of [
      [recorded, true],
      [other, false],
    ] as const) {
      const client = await site.client(desk.uuid);
      await client.openMain();
      if (expected) await site.audited(desk.uuid, 'Recording begun');
      const vv = await site.kerbside.api('GET', `/v1/consoles?instance_uuid=${desk.uuid}`);
      const [{ id }] = (JSON.parse(vv.body) as { consoles: [{ id: string }] }).consoles;
      expect(await told(`/v1/consoles/${id}`, '1.7')).toBe(expected);
      expect(await told(`/v1/sessions/${client.session}`, '1.7')).toBe(expected);
      expect(await told(`/v1/consoles/${id}`, '1.6')).toBeUndefined();
      expect(await told(`/v1/sessions/${client.session}`, '1.6')).toBeUndefined();
      await client.close();
    }
  });
});

describe('kerbside-manage recording', () => {
  it('lists a recording, shows what is in it, and plays it to a viewer message by message', async () => {
    const desk = await site.desk({}, { record: true });
    const client = await site.client(desk.uuid);
    await someDesktop(desk, client);
    const { session } = client;
    const live = client.channels[1]?.messages ?? [];
    await client.close();
    await ended(client);

    const listed = await manage('list', '--path', path, '--format', 'json');
    expect(JSON.parse(listed.stdout)).toMatchObject([
      {
        session_id: session,
        console: desk.uuid,
        name: 'desktop',
        parts: 1,
        complete: true,
        gaps: false,
        state: 'complete',
      },
    ]);
    const key = ['--private-key', keys.file, '--path', path];
    const shown = await manage('show', session, ...key, '--format', 'json');
    expect(JSON.parse(shown.stdout)).toContainEqual(
      expect.objectContaining({ channel: 'display', way: 'down', messages: live.length, gaps: 0 }),
    );
    const lines = await manage('show', session, ...key, '--messages');
    expect(lines.stdout).toContain('display:0 down DRAW_FILL 60');

    const player = await startProgram(
      process.execPath,
      ['dist/cmd/manage.js', 'recording', 'replay', session.slice(0, 12), ...key, '--speed', '8'],
      { logFile: join(folder, 'replay.log'), env: ENV },
    );
    await waitForOutput(player, 'waiting for a viewer');
    const [, port = ''] = /127\.0\.0\.1:(\d+)/.exec(player.output()) ?? [];
    const viewer = new SpiceClient({ port: Number(port), password: '' });
    const main = await viewer.openMain();
    main.send(CLIENT_MESSAGE.main.ATTACH_CHANNELS, Buffer.alloc(0));
    await main.waitFor(SERVER_MESSAGE.main.CHANNELS_LIST);
    const display = await viewer.open('display');
    await display.waitFor(MARK);
    expect(display.messages.map(({ type, body }) => ({ type, body }))).toEqual(
      live.map(({ type, body }) => ({ type, body })),
    );
    await main.waitFor(SERVER_MESSAGE.common.NOTIFY);
    await main.closed;
    await waitFor('the end of the replay', () => player.ended() !== null);
    expect(player.ended()).toBe(0);
    expect(player.output()).toContain('the recording has ended');
    await viewer.close();
  });
});

describe('a directory that is gone', () => {
  const away = `${path}-away`;
  afterEach(() => {
    rmSync(path, { recursive: true, force: true });
    renameSync(away, path);
  });

  it('lets the session go on', async () => {
    const desk = await site.desk({}, { record: true });
    renameSync(path, away);
    const failures = await site.metric('kerbside_recording_failures_total');
    const client = await site.client(desk.uuid);
    await someDesktop(desk, client);
    await site.audited(desk.uuid, 'Recording failed: the directory is gone (ENOENT), after 0 bytes');
    await site.metricAtLeast('kerbside_recording_failures_total', failures + 1);
    const display = await desk.server.channel('display');
    display.send(MARK, Buffer.alloc(0));
    expect(client.channels.every(({ closeReason }) => closeReason === null)).toBe(true);
    mkdirSync(path);
  });
});

describe('[recording] on_failure = refuse', () => {
  let strict: Site;
  const strictPath = recordingFolder(join(folder, 'strict'));
  const away = `${strictPath}-away`;

  beforeAll(async () => {
    strict = await Site.start({
      OS_RECORDING__PATH: strictPath,
      OS_RECORDING__PUBLIC_KEY: keys.publicKey,
      OS_RECORDING__ON_FAILURE: 'refuse',
      OS_RECORDING__RECORD_INPUT: 'true',
      OS_RECORDING__MAX_BYTES: '400000',
    });
  });
  afterEach(() => strict.tidy());
  afterAll(() => strict.stop());

  it('refuses a session while the directory is gone, and none that is not recorded', async () => {
    const desk = await strict.desk({}, { record: true });
    const other = await strict.desk();
    renameSync(strictPath, away);
    const refused = await (await strict.client(desk.uuid)).link('main');
    expect(refused.linked).toBe(false);
    await strict.audited(desk.uuid, 'Session refused: it cannot be recorded');
    await (await strict.client(other.uuid)).openMain();
    renameSync(away, strictPath);
    await (await strict.client(desk.uuid)).openMain();
  });

  it('records keys where that is wanted', async () => {
    const desk = await strict.desk({}, { record: true });
    const client = await strict.client(desk.uuid);
    await someDesktop(desk, client);
    await client.close();
    const { entries } = await ended(client, strictPath);
    const [key] = messagesOf(entries, CHANNEL.inputs, 'up');
    expect(key).toMatchObject({ type: KEY_SCANCODE, body: KEY });
  });

  it('ends the session when there is no room left', async () => {
    const desk = await strict.desk({}, { record: true, firewall: { mode: 'off' } });
    const client = await strict.client(desk.uuid);
    await client.openMain();
    const display = await client.open('display');
    const server = await desk.server.channel('display');
    const noise = randomBytes(200_000);
    for (let sent = 0; sent < 6; sent += 1) server.send(DRAW_FILL, noise);
    await display.closed;
    await strict.audited(desk.uuid, 'Recording failed: [recording] max_bytes (400000) is used up');
    await strict.audited(desk.uuid, 'Channel closed: recording failed');
  });
});
