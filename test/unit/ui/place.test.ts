// SPDX-License-Identifier: Apache-2.0
// Places in the admin UI: what is written is read again, whatever the names are.
import { describe, expect, it } from '@jest/globals';
import { linkTo, placeOf } from '../../../ui/src/place-text.js';

describe('a place', () => {
  it.each([
    ['', [], {}],
    ['#/', [], {}],
    ['#/consoles', ['consoles'], {}],
    ['#/consoles/my%20lab/1?a=b%26c', ['consoles', 'my lab', '1'], { a: 'b&c' }],
    ['#/consoles/%zz', ['consoles', '%zz'], {}],
  ])('%s is read', (hash, path, query) => {
    expect(placeOf(hash)).toEqual({ path, query });
  });

  it('is written so that it is read again', () => {
    const path = ['consoles', 'a/b?c#d é', '%'];
    const query = { name: 'x&y=z', empty: '', none: undefined };
    expect(placeOf(linkTo(path, query))).toEqual({ path, query: { name: 'x&y=z' } });
  });
});
