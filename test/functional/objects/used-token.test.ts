// SPDX-License-Identifier: Apache-2.0
// Signed console tokens are good once, on both engines and however many use one at the same moment.
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { reapExpired } from '../../../src/objects/reaper.js';
import { UsedTokens, usedTokenName } from '../../../src/objects/used-token.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';

const OPTIONS = { reconnectGrace: 60 };
const [KEY, OTHER] = [1, 2].map(() => generateKeyPairSync('ed25519').publicKey) as [never, never];

describe.each(ENGINES)('a signed token on %s', (engine) => {
  const databases = databasesOf(engine);

  it('is used once', async () => {
    const used = new UsedTokens(await databases.fresh());
    const name = usedTokenName(KEY, 'a');
    expect(await used.isUsed(name)).toBe(false);
    const uses = await Promise.all(Array.from({ length: 10 }, () => used.use(name, 100)));
    expect(uses.filter(Boolean)).toHaveLength(1);
    expect(await used.isUsed(name)).toBe(true);
    expect(await used.use(usedTokenName(OTHER, 'a'), 100)).toBe(true);
    expect(await used.use(usedTokenName(KEY, 'b'), 100)).toBe(true);
  });

  it('is forgotten when it has ended everywhere, an hour later', async () => {
    const db = await databases.fresh();
    const used = new UsedTokens(db);
    for (let count = 0; count < 5; count += 1) await used.use(usedTokenName(KEY, String(count)), 1000);
    await used.use('later', 1001);
    await reapExpired(db, OPTIONS, 4600);
    expect(await used.isUsed(usedTokenName(KEY, '3'))).toBe(true);
    await reapExpired(db, OPTIONS, 4600.5);
    const rows = await db.query<{ token_hash: string }>('SELECT token_hash FROM used_tokens');
    expect(rows).toEqual([{ token_hash: 'later' }]);
  });
});
