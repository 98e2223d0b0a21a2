// SPDX-License-Identifier: Apache-2.0
// Tables for people.
import { describe, expect, it } from '@jest/globals';
import { drawTable, readExportFormat, readFormat, writeCsv } from '../../../src/cmd/table.js';

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

describe('writeCsv', () => {
  it('writes the names of the columns, and a line for each row; what is missing is empty', () => {
    const rows = [{ name: 'alice', n: 1, on: true }, { name: null }];
    expect(writeCsv(['name', 'n', 'on'], rows)).toBe('name,n,on\r\nalice,1,true\r\n,,\r\n');
    expect(writeCsv(['name'], [])).toBe('name\r\n');
  });

  it('quotes what holds a comma or a quote', () => {
    expect(writeCsv(['a'], [{ a: 'x, y' }, { a: 'say "x"' }])).toBe('a\r\n"x, y"\r\n"say ""x"""\r\n');
  });

  it('gives neither a terminal nor a spreadsheet anything to obey', () => {
    const odd = ['=1+1', '+1', '-1', '@a', 'a\u001b[31m\r\nb', '="x,y"'].map((a) => ({ a }));
    expect(writeCsv(['a'], [...odd, { a: -1 }]).split('\r\n')).toEqual([
      ...['a', "'=1+1", "'+1", "'-1", "'@a", 'a?[31m??b', `"'=""x,y"""`, '-1', ''],
    ]);
  });
});

describe('readExportFormat', () => {
  it('takes table, json and csv only', () => {
    expect(['table', 'json', 'csv'].map(readExportFormat)).toEqual(['table', 'json', 'csv']);
    expect(() => readExportFormat('yaml')).toThrow('Give table, json or csv.');
  });
});

describe('readFormat', () => {
  it('takes table and json only', () => {
    expect([readFormat('table'), readFormat('json')]).toEqual(['table', 'json']);
    expect(() => readFormat('yaml')).toThrow('Give table or json.');
  });
});
