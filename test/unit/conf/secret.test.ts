// SPDX-License-Identifier: Apache-2.0
// A secret shows itself to nobody who did not ask for it.
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/conf/secret.js';

describe('Secret', () => {
  const secret = new Secret('hunter2');

  it('prints three stars wherever it is printed', () => {
    const copy: object = Object.assign({}, secret);
    const printed = [
      String(secret),
      secret.toString(),
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true }),
    ];
    expect(printed.join(' ') + JSON.stringify(copy) + Object.keys(secret).join()).not.toContain('hunter2');
    expect(JSON.stringify({ secret })).toBe('{"secret":"***"}');
  });

  it('reveals its text when asked', () => {
    expect(secret.reveal()).toBe('hunter2');
  });

  it('knows when it is blank', () => {
    expect([new Secret('').blank, new Secret(' \t').blank, secret.blank]).toEqual([true, true, false]);
  });
});
