// SPDX-License-Identifier: Apache-2.0
// What a .vv file costs the database, by the statements that the REST service asks for one.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { loadConf } from '../../../src/conf/index.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import {
  aConsole,
  anApiSite,
  SEED,
  send,
  startApi,
  type ApiSite,
  type RunningApi,
} from '../../fixtures/api-site.js';
import { overheard } from '../../fixtures/database.js';

/** Of one .vv file: who may open the console, whether it is in use, the token's two, its audit event, and what its policy says. */
const STATEMENTS = 8;
const { uuid: UUID } = aConsole();

let site: ApiSite;
let server: RunningApi;
const statements: string[] = [];

beforeAll(async () => {
  site = await anApiSite();
  await new Sources(site.db).upsert({ name: 'lab', type: 'static' });
  await new Consoles(site.db).reconcile('lab', [aConsole()]);
  const { conf } = loadConf(
    { configFiles: [], configDirs: [] },
    {
      OS_API__ADDRESS: '127.0.0.1',
      OS_API__PORT: '0',
      OS_API__AUTH_SECRET_SEED: SEED,
      OS_DATABASE__CONNECTION: `sqlite:///${site.folder}/kerbside.sqlite`,
      OS_SPICE__CACERT_PATH: `${site.folder}/ca.pem`,
      OS_SPICE__PUBLIC_FQDN: 'kerbside.example.org',
      OS_DEFAULT__NODE_NAME: 'node1',
    },
  );
  const heard = overheard(site.db, (sql) => statements.push(sql));
  server = await startApi(conf, heard);
});
afterAll(async () => {
  await server.close();
  await site.close();
});

it(`a .vv file costs ${String(STATEMENTS)} statements at most`, async () => {
  const path = `/console/proxy/lab/${UUID}/console.vv`;
  const ask = (): ReturnType<typeof send> => send(server.port, 'GET', path, { token: site.operator });
  expect((await ask()).status).toBe(200);
  statements.length = 0;
  const answer = await ask();
  expect([answer.status, answer.text.split('\n')[0]]).toEqual([200, '[virt-viewer]']);
  expect(statements.length).toBeLessThanOrEqual(STATEMENTS);
});
