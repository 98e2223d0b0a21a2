// SPDX-License-Identifier: Apache-2.0
// Consoles of instances: written down one at a time, owned by projects.
import { describe, expect, it } from '@jest/globals';
import { InvalidInput } from '../../../src/exception.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

const OWNED = { projectId: 'p-1', userId: 'u-1', instanceState: 'ACTIVE', instanceHost: 'compute-1' };

describe.each(ENGINES)('consoles of instances on %s', (engine) => {
  const databases = databasesOf(engine);

  it('are put once, followed, and removed, and what changed is audited', async () => {
    const db = await databases.fresh();
    const consoles = new Consoles(db);
    await consoles.put('cloud', aConsole({ uuid: 'a', ...OWNED }));
    await consoles.put('cloud', aConsole({ uuid: 'a', ...OWNED, instanceState: 'PAUSED' }));
    await consoles.put('cloud', aConsole({ uuid: 'a', ...OWNED, insecurePort: 5999 }));
    expect(await consoles.find('cloud', 'a')).toMatchObject({ ...OWNED, insecurePort: 5999 });
    expect(await consoles.reportedOne('cloud', 'a')).toEqual(
      aConsole({ uuid: 'a', ...OWNED, insecurePort: 5999 }),
    );
    expect(await consoles.reported('cloud', '', 10)).toHaveLength(1);
    expect(await consoles.remove('cloud', 'a')).toBe(true);
    expect(await consoles.remove('cloud', 'a')).toBe(false);
    expect(await consoles.reportedOne('cloud', 'a')).toBeNull();
    const { events } = await new AuditEvents(db).list('cloud', 'a', 10);
    expect(events.map(({ message }) => message)).toEqual([
      'Discovered new console',
      'Console configuration changed: insecure_port',
      'Console no longer available',
    ]);
    await expect(
      consoles.put('cloud', aConsole({ uuid: 'b', instanceState: 'x'.repeat(65) })),
    ).rejects.toThrow(InvalidInput);
  });

  it('are listed by project, page by page, across sources', async () => {
    const db = await databases.fresh();
    const consoles = new Consoles(db);
    for (const source of ['east', 'west']) {
      for (const uuid of ['a', 'b', 'c']) {
        await consoles.put(source, aConsole({ uuid, projectId: uuid === 'b' ? 'other' : 'mine' }));
      }
    }
    const seen: string[] = [];
    let marker: string | undefined;
    do {
      const page = await consoles.list({ limit: 1, marker }, { projectId: 'mine' });
      seen.push(...page.items.map(({ source, uuid }) => `${source}/${uuid}`));
      marker = page.next ?? undefined;
    } while (marker !== undefined);
    expect(seen).toEqual(['east/a', 'east/c', 'west/a', 'west/c']);
    expect((await consoles.list({ limit: 10 }, { projectId: 'nobody' })).items).toEqual([]);
  });

  it('belong to sources whose settings and password come back whole', async () => {
    const db = await databases.fresh();
    const sources = new Sources(db);
    const definition = {
      name: 'cloud',
      type: 'openstack',
      url: 'http://k',
      password: 'pw',
      options: { verify: 'false' },
    };
    await sources.upsert(definition);
    await sources.upsert({ name: 'lab', type: 'static' });
    await sources.upsert({ name: 'old', type: 'openstack' });
    await sources.markDeleted('old');
    expect(await sources.definitions('openstack')).toMatchObject([definition]);
  });
});
