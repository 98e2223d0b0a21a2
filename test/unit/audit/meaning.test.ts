// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { meaningOf } from '../../../src/audit/meaning.js';
import * as sentences from '../../../src/objects/audit-message.js';

/** Every sentence of src/objects/audit-message.ts. */
function everySentence(): string[] {
  return Object.values<unknown>(sentences).flatMap(textsOf);
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'function')
    return [String((value as (...args: unknown[]) => unknown)(['x'], ['y'], 'z', 0))];
  return Object.values(value as Record<string, unknown>).flatMap(textsOf);
}

describe('what an audit event means in CADF', () => {
  it.each(everySentence())('is known of "%s"', (message) => {
    expect(meaningOf({ message }).action).not.toBe('unknown');
  });

  it.each([
    ['Login of alice from ::1', 'authenticate', 'success'],
    ['Failed login of eve from ::1', 'authenticate', 'failure'],
    ['Refused direct console credential to non-admin user bob', 'deny', 'failure'],
    ['Request refused: DELETE /v1/sessions/:id by kerbside:sessions:terminate', 'deny', 'failure'],
    ['Channel refused: expired', 'deny', 'failure'],
    ['Channel closed: client closed after 3 s, 1 bytes up, 2 bytes down', 'stop', 'success'],
    ['Session terminated by request', 'stop', 'success'],
    ['Recording failed: disk full, after 3 bytes', 'start', 'failure'],
    ['User deleted: alice', 'delete', 'success'],
    ['Policy changed: kerbside:sessions:terminate', 'configure', 'success'],
    ['something of a later release', 'unknown', 'success'],
  ])('is told of "%s"', (message, action, outcome) => {
    expect(meaningOf({ message })).toEqual({ action, outcome });
  });
});
