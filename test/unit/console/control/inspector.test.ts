// SPDX-License-Identifier: Apache-2.0
// Traffic inspection: which messages become lines, and what is never in one unless it is asked for.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Inspector } from '../../../../src/console/control/inspector.js';
import type { LiveChannel } from '../../../../src/console/control/channel-registry.js';
import { CHANNEL } from '../../../../src/console/spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../../src/console/spice/message-types.js';
import { scratchFolder } from '../../../fixtures/scratch.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const { KEY_DOWN, KEY_UP, KEY_MODIFIERS, KEY_SCANCODE, MOUSE_POSITION } = CLIENT_MESSAGE.inputs;
const AT = Date.parse('2026-11-30T09:12:44.518Z');
const folder = scratchFolder('kerbside-inspector-');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Settings = ConstructorParameters<typeof Inspector>[0];
let count = 0;

function settingsFor(changes: Partial<Settings>): Settings {
  const path = join(folder, `i${(count += 1)}`);
  mkdirSync(path);
  return { mode: 'full', path, sample: 10, keystrokes: false, maxBytes: 1_000_000, ...changes };
}

/** The lines of a channel that carried these messages to the server, without their times. */
async function linesOf(
  changes: Partial<Settings>,
  channelType: number,
  messages: readonly (readonly [number, Buffer])[],
): Promise<string[]> {
  const settings = settingsFor(changes);
  const inspector = new Inspector(settings);
  const tapped = { connectionRef: 'c', channelType, channelId: 0, miniHeader: false };
  const channel = inspector.begin({ sessionId: '../s1' } as LiveChannel, {
    ...{ ...tapped, clientCaps: [], backendCaps: [] },
  });
  const bytes = messages.map(([type, body]) => encodeMessage(type, body, { miniHeader: false }));
  // Cut anywhere.
  for (const byte of Buffer.concat(bytes)) channel?.data(true, Buffer.of(byte), AT);
  await inspector.close();
  const [file] = readdirSync(settings.path);
  if (file === undefined) return [];
  expect(file).toMatch(/^s1-[a-z]+-0-[0-9a-f]{8}\.log$/);
  expect(statSync(join(settings.path, file)).mode & 0o777).toBe(0o600);
  const lines = readFileSync(join(settings.path, file), 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => line.replace('2026-11-30T09:12:44.518Z ', ''));
}

const CODE = Buffer.from('1e000000', 'hex');
const KEYS = [
  [KEY_DOWN, CODE],
  [KEY_UP, CODE],
  [KEY_MODIFIERS, Buffer.from('0400', 'hex')],
  [KEY_SCANCODE, Buffer.from('1e9e', 'hex')],
] as const;

function pointer(x: number): readonly [number, Buffer] {
  const body = Buffer.alloc(11);
  body.writeUInt32LE(x, 0);
  return [MOUSE_POSITION, body];
}

describe('traffic inspection', () => {
  it('has a line with the fields of each message, and of keys not even that they were', async () => {
    const lines = await linesOf({}, CHANNEL.inputs, [...KEYS, pointer(7), ...KEYS, pointer(8)]);
    expect(lines).toEqual([
      'inputs:0 client->server MOUSE_POSITION 11 x=7 y=0 buttons=0 display=0',
      'inputs:0 client->server MOUSE_POSITION 11 x=8 y=0 buttons=0 display=0',
    ]);
  });

  it('has keys where that is asked for', async () => {
    const lines = await linesOf({ keystrokes: true }, CHANNEL.inputs, KEYS);
    expect(lines.map((line) => line.split(' ').slice(2).join(' '))).toEqual([
      'KEY_DOWN 4 code=30',
      'KEY_UP 4 code=30',
      'KEY_MODIFIERS 2 modifiers=4',
      expect.stringContaining('KEY_SCANCODE 2'),
    ]);
  });

  it('has of each type the first message and one of so many, when it samples', async () => {
    const messages = Array.from({ length: 25 }, (_none, at) => pointer(at));
    const lines = await linesOf({ mode: 'sampled', keystrokes: true }, CHANNEL.inputs, [
      ...messages,
      KEYS[0],
    ]);
    expect(lines.map((line) => / (x=\d+|code=\d+)/.exec(line)?.[1])).toEqual([
      'x=0',
      'x=10',
      'x=20',
      'code=30',
    ]);
  });

  it('shows of agent data only how much there is', async () => {
    const lines = await linesOf({ keystrokes: true }, CHANNEL.main, [
      [CLIENT_MESSAGE.main.AGENT_DATA, Buffer.from('a clipboard with s3cret')],
    ]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('AGENT_DATA 23');
    expect(lines[0]).not.toContain('s3cret');
  });

  it('goes on behind messages that are cut, or of no known type', async () => {
    const lines = await linesOf({}, CHANNEL.display, [
      [9999, Buffer.alloc(3)],
      [SERVER_MESSAGE.display.SURFACE_CREATE, Buffer.alloc(0)],
      [CLIENT_MESSAGE.common.ACK_SYNC, Buffer.from('05000000', 'hex')],
    ]);
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe('display:0 client->server ACK_SYNC 4 generation=5');
  });

  it('writes no more than max_bytes, and is off from then on', async () => {
    const messages = Array.from({ length: 100 }, (_none, at) => pointer(at));
    const lines = await linesOf({ maxBytes: 1000 }, CHANNEL.inputs, messages);
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.length).toBeLessThan(12);
  });

  it('makes no file and asks for nothing when it is off', async () => {
    const off = settingsFor({ mode: 'off' });
    expect(new Inspector(off).active).toBe(false);
    expect(await linesOf({ mode: 'off' }, CHANNEL.inputs, [pointer(1)])).toEqual([]);
  });
});
