// SPDX-License-Identifier: Apache-2.0
// Lines of CSV.
import { describe, expect, it } from '@jest/globals';
import { csvLine } from '../../src/csv.js';

describe('a line of CSV', () => {
  it.each([
    [['plain', 1, null, undefined, true], 'plain,1,,,true'],
    [['a "b", c\nd', -2], '"a ""b"", c\nd",-2'],
    [['a = b', ' =1'], 'a = b, =1'],
    [[], ''],
  ])('of %j quotes what must be', (cells, line) => {
    expect(csvLine(cells)).toBe(`${line}\r\n`);
  });

  it.each(['=1+1', '+1', '-1', '@x', '\t=1', '\r=1', '\n=1', '＝1', '＋1', '－1', '＠x'])(
    'marks %j, which a spreadsheet would calculate, as text',
    (text) => {
      expect(csvLine([text]).replaceAll('"', '')).toBe(`'${text}\r\n`);
    },
  );

  it('marks a formula that is quoted too', () => {
    expect(csvLine(['=HYPERLINK("http://evil.example")'])).toBe(
      '"\'=HYPERLINK(""http://evil.example"")"\r\n',
    );
  });
});
