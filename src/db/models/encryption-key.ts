// SPDX-License-Identifier: Apache-2.0
// Table encryption_keys: which keys this database was encrypted with; the newest not retired is the one for new
// values. Ids only: the keys are in the key file.
import { EntitySchema } from 'typeorm';

/** One row of encryption_keys. */
export interface EncryptionKeyRow {
  key_id: string;
  created: number;
  retired: number | null;
}

/** How TypeORM knows encryption_keys; the migrations make the table. */
export const EncryptionKeyModel = new EntitySchema<EncryptionKeyRow>({
  name: 'EncryptionKey',
  tableName: 'encryption_keys',
  columns: {
    key_id: { type: 'varchar', length: 8, primary: true },
    created: { type: 'double' },
    retired: { type: 'double', nullable: true },
  },
});
