// SPDX-License-Identifier: Apache-2.0
// Several faults of a start as one.
import { describe, expect, it } from '@jest/globals';
import { faultsOf, StartupError, throwFaults } from '../../src/exception.js';

function thrown(...found: StartupError[]): StartupError | null {
  try {
    throwFaults(found);
    return null;
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
}

describe('throwFaults', () => {
  const [first, second] = [new StartupError('one'), new StartupError('two')];

  it('is silent without a fault, and throws a single one as it is, however often it was found', () => {
    expect(thrown()).toBeNull();
    expect(thrown(first)).toBe(first);
    expect(thrown(first, new StartupError('one'))).toBe(first);
  });

  it('throws several as one that tells all of them, those of an earlier one too', () => {
    const both = thrown(first, second) ?? first;
    expect([both.message, faultsOf(both)]).toEqual(['one; two', ['one', 'two']]);
    expect(faultsOf(thrown(both, second, new StartupError('three')) ?? first)).toEqual([
      'one',
      'two',
      'three',
    ]);
  });
});
