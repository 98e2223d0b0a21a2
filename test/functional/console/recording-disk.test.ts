// SPDX-License-Identifier: Apache-2.0
// Sessions are recorded to a disk of one megabyte that is full soon: what becomes of them, of those that come later, and when
// there is room again.
import { randomBytes } from 'node:crypto';
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Site, type Desk, type Guest } from '../../fixtures/kerbside.js';
import { runProgram, waitFor } from '../../fixtures/program.js';
import { readRecording, recordingFolder, recordingKeys, recordingsIn } from '../../fixtures/recordings.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import { onSmallDisk, seenIn } from '../../fixtures/small-disk.js';

const { DRAW_FILL, MARK } = SERVER_MESSAGE.display;
const MB = 1024 * 1024;

const folder = scratchFolder('kerbside-small-disk-');
const keys = recordingKeys(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A site that records to a disk of a megabyte. */
async function smallSite(name: string, onFailure: string): Promise<{ site: Site; path: string }> {
  const path = recordingFolder(join(folder, name));
  const env = {
    OS_RECORDING__PATH: path,
    OS_RECORDING__PUBLIC_KEY: keys.publicKey,
    OS_RECORDING__ON_FAILURE: onFailure,
  };
  const site = await Site.start(env, undefined, onSmallDisk(path, MB));
  return { site, path: seenIn(site.kerbside.program.pid, path) };
}

/** A session that draws more than the disk has room for. */
async function drawTooMuch(desk: Desk, client: Guest): Promise<void> {
  await client.openMain();
  await client.open('display');
  const server = await desk.server.channel('display');
  for (let drawn = 0; drawn < 8; drawn += 1) server.send(DRAW_FILL, randomBytes(250_000));
}

async function recordsAgain(site: Site, path: string): Promise<void> {
  for (const file of recordingsIn(path)) rmSync(file);
  const desk = await site.desk({}, { record: true });
  const client = await site.client(desk.uuid);
  await client.openMain();
  await client.close();
  const file = await waitFor('the end of the recording', () =>
    recordingsIn(path).find((name) => name.endsWith('.kerbrec')),
  );
  expect((await readRecording(file, keys.privateKey)).outcome).toEqual({ complete: true, fault: null });
}

describe('a disk that is full', () => {
  let site: Site;
  let path: string;
  beforeAll(async () => {
    ({ site, path } = await smallSite('continue', 'continue'));
  });
  afterEach(() => site.tidy());
  afterAll(() => site.stop());

  it('ends the recording and not the session, and leaves one that is read up to there', async () => {
    const desk = await site.desk({}, { record: true, firewall: { mode: 'off' } });
    const client = await site.client(desk.uuid);
    await drawTooMuch(desk, client);
    await site.audited(desk.uuid, 'Recording failed: the disk is full (ENOSPC), after ');
    await site.metricAtLeast('kerbside_recording_failures_total', 1);

    const display = client.channels.find(({ messages }) => messages.some(({ type }) => type === DRAW_FILL));
    (await desk.server.channel('display')).send(MARK, Buffer.alloc(0));
    await display?.waitFor(MARK);
    expect(client.channels.every(({ closeReason }) => closeReason === null)).toBe(true);

    const [file = ''] = recordingsIn(path);
    const { entries, outcome } = await readRecording(file, keys.privateKey);
    expect(outcome).toEqual({ complete: false, fault: null });
    expect(
      entries.filter((entry) => entry.kind === 'message' && entry.type === DRAW_FILL).length,
    ).toBeGreaterThan(1);
    await client.close();

    const manage = ['dist/cmd/manage.js', 'recording'];
    const env = { PATH: process.env['PATH'] };
    const later = Date.now() / 1000 - 600;
    utimesSync(file, later, later);
    const listed = await runProgram(
      process.execPath,
      [...manage, 'list', '--path', path, '--format', 'json'],
      { env },
    );
    expect(JSON.parse(listed.stdout)).toMatchObject([{ complete: false, state: 'unfinished' }]);
    const key = ['--private-key', keys.file, '--path', path];
    const shown = await runProgram(process.execPath, [...manage, 'show', client.session, ...key], { env });
    expect(shown.stderr).toContain(
      'it is unfinished: its proxy was killed, its disk failed, or its last part is missing',
    );
    expect(shown.status).toBe(0);
  });

  it('is written to again when there is room', () => recordsAgain(site, path));
});

describe('a disk that is full, with on_failure = refuse', () => {
  let site: Site;
  let path: string;
  beforeAll(async () => {
    ({ site, path } = await smallSite('refuse', 'refuse'));
  });
  afterEach(() => site.tidy());
  afterAll(() => site.stop());

  it('ends the session, refuses others until there is room again, and minds none that is not recorded', async () => {
    const desk = await site.desk({}, { record: true, firewall: { mode: 'off' } });
    const other = await site.desk();
    const client = await site.client(desk.uuid);
    await drawTooMuch(desk, client);
    await site.audited(desk.uuid, 'Recording failed: the disk is full (ENOSPC), after ');
    await site.audited(desk.uuid, 'Channel closed: recording failed');
    await waitFor('the end of the channels', () =>
      client.channels.every(({ closeReason }) => closeReason !== null),
    );

    expect((await (await site.client(desk.uuid)).link('main')).linked).toBe(false);
    await site.audited(desk.uuid, 'Session refused: it cannot be recorded');
    await (await site.client(other.uuid)).openMain();
    await recordsAgain(site, path);
  });
});
