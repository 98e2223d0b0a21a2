// SPDX-License-Identifier: Apache-2.0
// Replaces the encryption key while the service runs. The order makes every moment safe:
//   1. the new key goes into the key file, behind the current one;
//   2. the table encryption_keys names it: running processes write with it from now on (they reread the file);
//   3. every value is encrypted again, in batches, each only if it has not changed meanwhile;
//   4. after a pause for writes that were on their way, until a whole pass finds nothing, the old keys leave the file.
// Interrupted anywhere, the next run goes on from there.
import { addKey, currentKeyId, registeredKeyIds, retireKeysBut } from './api/encryption-keys.js';
import { listTickets, replaceTicket } from './api/consoles.js';
import { listSourcePasswords, replaceSourcePassword } from './api/sources.js';
import type { Database } from './database.js';
import { keyIdOf } from './encryption.js';
import { newKey, readKeyFile, writeKeyFile } from './key-file.js';
import type { EncryptionKey } from './key-file.js';
import { passwordContext, ticketContext } from './encryption-contexts.js';
import { DatabaseError } from '../exception.js';

export interface RotationOptions {
  /** Only add the next key to the file, so that it can be copied to the other nodes before it is used. */
  readonly prepareOnly?: boolean;
  /** Pause before the pass that proves that no value has an old key, milliseconds. */
  readonly settleMs?: number;
}

export interface Rotation {
  /** Id of the key in use afterwards; of the prepared one with `prepareOnly`. */
  readonly keyId: string;
  /** How many values were encrypted again. */
  readonly values: number;
}

const BATCH = 500;
const SETTLE_MS = 3000;
const LARGEST_PASSES = 20;

/**
 * Rotates the encryption key, or finishes a rotation that was interrupted.
 * @throws DatabaseError when the key file or the database cannot be read or written
 */
export async function rotateEncryption(db: Database, options: RotationOptions = {}): Promise<Rotation> {
  const path = db.cipher.path;
  const keys = readKeyFile(path) ?? [];
  const registered = await registeredKeyIds(db);
  const prepared = keys.find(({ id }) => !registered.some((entry) => entry.id === id));
  if (options.prepareOnly === true) return { keyId: prepare(path, keys, prepared), values: 0 };
  const current = await nextKey(db, path, keys, prepared);
  db.cipher.use(current);
  let values = 0;
  for (let pass = 1; ; pass += 1) {
    const moved = await encryptAnew(db, current);
    values += moved;
    if (moved === 0 && pass > 1) break;
    if (pass === LARGEST_PASSES) {
      throw new DatabaseError(
        `${db.place}: values with an old encryption key keep coming; does every node have ${path}?`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, options.settleMs ?? SETTLE_MS));
  }
  await retireKeysBut(db, current, Date.now() / 1000);
  writeKeyFile(
    path,
    (readKeyFile(path) ?? keys).filter(({ id }) => id === current),
  );
  return { keyId: current, values };
}

function prepare(path: string, keys: readonly EncryptionKey[], prepared: EncryptionKey | undefined): string {
  if (prepared !== undefined) return prepared.id;
  const fresh = newKey();
  writeKeyFile(path, [...keys, fresh]);
  return fresh.id;
}

// A second live key in the table means that a rotation was interrupted: go on with its key.
async function nextKey(
  db: Database,
  path: string,
  keys: readonly EncryptionKey[],
  prepared: EncryptionKey | undefined,
): Promise<string> {
  const live = (await registeredKeyIds(db)).filter(({ retired }) => !retired);
  const current = await currentKeyId(db);
  if (live.length > 1 && current !== null && prepared === undefined) return current;
  const id = prepare(path, keys, prepared);
  await addKey(db, id, Date.now() / 1000);
  return id;
}

async function encryptAnew(db: Database, current: string): Promise<number> {
  let moved = 0;
  for (const { name, password } of await listSourcePasswords(db)) {
    if (keyIdOf(password) === current) continue;
    const context = passwordContext(name);
    await replaceSourcePassword(
      db,
      name,
      password,
      db.cipher.seal(context, db.cipher.open(context, password)),
    );
    moved += 1;
  }
  let marker: { source: string; uuid: string } | null = null;
  for (;;) {
    const rows: Awaited<ReturnType<typeof listTickets>> = await listTickets(db, marker, BATCH);
    const last = rows.at(-1);
    if (last === undefined) return moved;
    for (const { source, uuid, ticket } of rows) {
      if (ticket === null || keyIdOf(ticket) === current) continue;
      const context = ticketContext(source, uuid);
      await replaceTicket(
        db,
        { source, uuid },
        ticket,
        db.cipher.seal(context, db.cipher.open(context, ticket)),
      );
      moved += 1;
    }
    marker = last;
  }
}
