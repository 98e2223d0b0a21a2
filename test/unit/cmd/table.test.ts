// SPDX-License-Identifier: Apache-2.0
// Tables for people.
import { describe, expect, it } from '@jest/globals';
import { drawTable, readFormat } from '../../../src/cmd/table.js';

describe('drawTable', () => {
  it('draws rows under their columns and a dash for what is missing', () => {
    expect(
      drawTable(
        ['name', 'n'],
        [
          { name: 'alice', n: 1 },
          { name: null, n: 20 },
        ],
      ),
    ).toBe(
      [
        '+-------+----+',
        '| name  | n  |',
        '+-------+----+',
        '| alice | 1  |',
        '| -     | 20 |',
        '+-------+----+',
      ].join('\n'),
    );
  });

  it('draws an empty table', () => {
    expect(drawTable(['name'], [])).toBe('+------+\n| name |\n+------+');
  });

  it('shows nothing that a terminal would obey', () => {
    expect(drawTable(['name'], [{ name: 'a\u001b[31m\nb\u202e' }])).toContain('| a?[31m?b? |');
  });
});

describe('readFormat', () => {
  it('takes table and json only', () => {
    expect([readFormat('table'), readFormat('json')]).toEqual(['table', 'json']);
    expect(() => readFormat('yaml')).toThrow('Give table or json.');
  });
});
