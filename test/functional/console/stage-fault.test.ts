// SPDX-License-Identifier: Apache-2.0
// A stage of the relay that throws: a fault of ours, which no shipped stage has, so that one is given to the firewall of
// the built program. It ends its channel with the stage's name in the records, and nothing else.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Site } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';
import { repositoryRoot } from '../../fixtures/repository.js';

const MAIN = SERVER_MESSAGE.main;
/** Of no message: the firewall is asked about it. */
const UNKNOWN = 200;
const FIREWALL = pathToFileURL(join(repositoryRoot(), 'dist/console/firewall/firewall.js')).href;
const FAULT =
  `import{Firewall}from'${FIREWALL}';const{onHeader}=Firewall.prototype;` +
  `Firewall.prototype.onHeader=function(direction,type,size){if(type===${UNKNOWN})throw%20new%20TypeError('no%20such%20table');` +
  'return%20onHeader.call(this,direction,type,size)}';

let site: Site;
beforeAll(async () => {
  site = await Site.start({ NODE_OPTIONS: `--import "data:text/javascript,${FAULT}"` });
});
afterAll(() => site.stop());

it.each(['client', 'backend'] as const)(
  'a stage that throws at a message of the %s ends that channel, by its name, and no other',
  async (sender) => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    const inputs = await client.open('inputs');
    const server = await desk.server.channel('inputs');
    if (sender === 'client') inputs.send(UNKNOWN, Buffer.alloc(4));
    else server.send(UNKNOWN, Buffer.alloc(4));
    await inputs.closed;
    await server.closed;
    await site.audited(desk.uuid, 'Channel closed: relay stage failed: firewall');
    const db = await site.database();
    try {
      const sql = 'SELECT channel_type, reason FROM console_connections WHERE session_id = ? ORDER BY id';
      const rows = () => db.query<{ reason: string | null }>(sql, [client.session]);
      // The event and the row are written on ways of their own.
      await waitFor('the end of the channel on record', async () => (await rows())[1]?.reason !== null);
      expect(await rows()).toEqual([
        { channel_type: 1, reason: null },
        { channel_type: 3, reason: 'relay stage failed: firewall' },
      ]);
    } finally {
      await db.close();
    }
    const [line = ''] = await site.logged('connection closed by an unexpected fault');
    expect(line).toContain(' ERROR ');
    expect(line).toContain('no such table');
    (await desk.server.channel('main')).send(MAIN.MULTI_MEDIA_TIME, Buffer.alloc(4));
    await main.waitFor(MAIN.MULTI_MEDIA_TIME);
    await client.open('inputs');
  },
);
