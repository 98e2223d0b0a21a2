// SPDX-License-Identifier: Apache-2.0
// While the database is locked nobody can decide about a ticket: the client is closed without a link result, because
// any result but OK makes it ask its user for another password; the same ticket works once the database is back.
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Site } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';

it('a ticket that nobody can judge is answered by a close, and is good again later', async () => {
  const site = await Site.start({ OS_PROXY__CONTROL_TIMEOUT: '1' });
  const other = new DataSource({ type: 'better-sqlite3', database: join(site.folder, 'kerbside.sqlite') });
  await other.initialize();
  try {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await other.query('BEGIN IMMEDIATE');
    const { outcome } = await client.link('main', 0, { connectionId: 0 });
    expect(outcome).toMatchObject({ type: 'closed', stage: 'result' });
    await site.logged('reason="control plane failed"');
    await other.query('ROLLBACK');
    await waitFor('the late leave to be given back', async () => {
      const main = await client.link('main', 0, { connectionId: 0 });
      return main.linked;
    });
  } finally {
    await other.destroy();
    await site.stop();
  }
});
