// SPDX-License-Identifier: Apache-2.0
// kerbside-manage encryption: the key that seals tickets and passwords in the database.
import type { Command } from 'commander';
import { AUDIT_ACT } from '../../objects/audit-message.js';
import { recordAct } from './acts.js';
import { configure, say, withContext } from './run.js';

async function rotate(options: { readonly prepareOnly?: true }, command: Command): Promise<void> {
  const conf = configure(command);
  const { rotateEncryption } = await import('../../db/rotate-encryption.js');
  const { Database } = await import('../../db/database.js');
  const { AuditEvents } = await import('../../objects/audit-event.js');
  await withContext({ conf }, [Database, AuditEvents], async (db, events) => {
    const prepareOnly = options.prepareOnly === true;
    const { keyId, values } = await rotateEncryption(db, { prepareOnly });
    const act = prepareOnly ? AUDIT_ACT.keyPrepared(keyId) : AUDIT_ACT.keyRotated(keyId);
    await recordAct(events, conf, act);
    const { encryptionKeyFile } = conf.database;
    if (prepareOnly)
      say(`key ${keyId} is ready in ${encryptionKeyFile}; copy the file to every node, then rotate`);
    else say(`key ${keyId} is in use, ${values} values encrypted anew; keep a copy of ${encryptionKeyFile}`);
  });
}

/** Adds `encryption rotate`. */
export function addEncryptionCommands(manage: Command): void {
  const encryption = manage
    .command('encryption')
    .description('the key that seals tickets and passwords in the database')
    .helpCommand(false);
  encryption
    .command('rotate')
    .description('make a new key and encrypt every value with it, while the service runs')
    .option(
      '--prepare-only',
      'only add the new key to the key file, to copy it to other nodes before it is used',
    )
    .action(rotate);
}
