// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { databaseError, DuplicateRow, faultCode, retryOf } from '../../../src/db/faults.js';
import { DatabaseError } from '../../../src/exception.js';

const PLACE = 'SQLite database /k';
const coded = (code: string): Error => Object.assign(new Error('INSERT … secret'), { code, sql: 'secret' });

describe('databaseError', () => {
  it.each([
    ['SQLITE_BUSY', /is locked by another process/],
    ['SQLITE_BUSY_SNAPSHOT', /is locked by another process/],
    ['SQLITE_FULL', /the disk is full/],
    ['SQLITE_IOERR_WRITE', /input\/output error/],
    ['SQLITE_CORRUPT_INDEX', /is damaged/],
    ['SQLITE_NOTADB', /is not an SQLite database/],
    ['SQLITE_READONLY_DBMOVED', /is read-only/],
    ['ECONNREFUSED', /connection refused/],
    ['ER_ACCESS_DENIED_ERROR', /refused user or password/],
    ['ER_OPTION_PREVENTS_STATEMENT', /is read-only/],
    ['ER_SOMETHING_NEW', /refused a statement \(ER_SOMETHING_NEW\)/],
  ])('says what %s means, and nothing of the statement', (code, message) => {
    const error = databaseError(PLACE, coded(code));
    expect(error).toBeInstanceOf(DatabaseError);
    expect(error.message).toMatch(message);
    expect(error.message.startsWith(PLACE)).toBe(true);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret');
  });

  it('tells a duplicate key of either engine', () => {
    for (const code of ['ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_PRIMARYKEY', 'SQLITE_CONSTRAINT_UNIQUE']) {
      expect(databaseError(PLACE, coded(code))).toBeInstanceOf(DuplicateRow);
    }
    expect(databaseError(PLACE, coded('SQLITE_CONSTRAINT_NOTNULL'))).not.toBeInstanceOf(DuplicateRow);
  });

  it('passes its own kind on and takes anything else', () => {
    const own = new DatabaseError('x');
    expect(databaseError(PLACE, own)).toBe(own);
    expect(databaseError(PLACE, new TypeError('secret')).message).toBe(
      `${PLACE} refused a statement (TypeError)`,
    );
    expect(databaseError(PLACE, undefined).message).toBe(`${PLACE} refused a statement (unknown fault)`);
  });

  it("finds the driver's code under the ORM's error", () => {
    expect(faultCode({ driverError: coded('SQLITE_FULL') })).toBe('SQLITE_FULL');
    expect(faultCode(null)).toBe('');
    expect(faultCode({ code: 5 })).toBe('');
  });

  it('repeats a statement only where that is safe', () => {
    expect(retryOf('ER_LOCK_DEADLOCK')).toBe('always');
    expect(retryOf('PROTOCOL_CONNECTION_LOST')).toBe('reads');
    expect(retryOf('ER_DUP_ENTRY')).toBe('never');
  });
});
