// SPDX-License-Identifier: Apache-2.0
// Traffic inspection in a real proxy: which lines there are, and which there are not.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Site } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';
import { recordingFolder } from '../../fixtures/recordings.js';
import { scratchFolder } from '../../fixtures/scratch.js';

const { KEY_SCANCODE, MOUSE_POSITION } = CLIENT_MESSAGE.inputs;
const { SURFACE_DESTROY } = SERVER_MESSAGE.display;

const folder = scratchFolder('kerbside-inspection-');
const path = recordingFolder(join(folder, 'lines'));
let site: Site;

beforeAll(async () => {
  // By the names of the original.
  site = await Site.start({ KERBSIDE_TRAFFIC_INSPECTION: 'true', KERBSIDE_TRAFFIC_OUTPUT_PATH: path });
});
afterAll(async () => {
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('traffic inspection', () => {
  it('has a line with fields for each message of a channel, and none for keys', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    const inputs = await client.open('inputs');
    const display = await client.open('display');
    inputs.send(KEY_SCANCODE, Buffer.from('1e9e', 'hex'));
    const position = Buffer.alloc(11);
    position.writeUInt32LE(512, 0);
    position.writeUInt32LE(300, 4);
    inputs.send(MOUSE_POSITION, position);
    await (await desk.server.channel('inputs')).waitFor(MOUSE_POSITION);
    (await desk.server.channel('display')).send(SURFACE_DESTROY, Buffer.from('07000000', 'hex'));
    await display.waitFor(SURFACE_DESTROY);
    await client.close();

    const linesOf = (channel: string): string[] => {
      const file = readdirSync(path).find((name) => name.startsWith(`${client.session}-${channel}-0-`)) ?? '';
      expect(statSync(join(path, file)).mode & 0o777).toBe(0o600);
      return readFileSync(join(path, file), 'utf8').trim().split('\n');
    };
    await waitFor('the line of the pointer', () => linesOf('inputs').join().includes('MOUSE_POSITION'));
    const typed = linesOf('inputs').filter((line) => line.includes(' client->server '));
    expect(typed.map((line) => line.slice(25))).toEqual([
      'inputs:0 client->server MOUSE_POSITION 11 x=512 y=300 buttons=0 display=0',
    ]);
    expect(linesOf('display').at(-1)).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z display:0 server->client SURFACE_DESTROY 4 surface=7$/,
    );
    expect(linesOf('main')[0]).toContain('main:0 server->client INIT 32 session=');
  });
});
