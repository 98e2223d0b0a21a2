// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  microversionText,
  OFFERS,
  offerOf,
  parseMicroversion,
  versionHeaders,
} from '../../../src/compute/microversions.js';

const at = (max: number, patch: '2.96' | '2.97' | null = null, min = 1) => {
  const { create, resolve } = offerOf({ min, max }, patch);
  const ways = Object.entries(create).map(([type, way]) =>
    [type, way.call, way.version, way.answers].join(' '),
  );
  return { create: ways, resolve: resolve === null ? null : [resolve.version, resolve.tlsPort] };
};
const ACTION = ['spice-html5 action 1 url', 'novnc action 1 url'];
const HTML5 = ['spice-html5 remote_consoles 6 url', 'novnc remote_consoles 6 url'];
const DIRECT = 'spice-direct remote_consoles 99 url';

describe('the table of microversions', () => {
  it('has every microversion in exactly one range', () => {
    for (let version = 1; version <= 150; version += 1) {
      const ranges = OFFERS.filter(({ from, to }) => version >= from && (to === null || version <= to));
      expect(ranges).toHaveLength(1);
    }
  });

  it.each([
    [1, ACTION, null],
    [5, ACTION, null],
    [6, HTML5, null],
    [30, HTML5, null],
    [31, HTML5, [31, false]],
    [98, HTML5, [31, false]],
    [99, [DIRECT, ...HTML5], [99, true]],
    [100, [DIRECT, ...HTML5], [99, true]],
    [104, [DIRECT, ...HTML5], [99, true]],
  ])('says what a Nova offers whose newest is 2.%s', (max, create, resolve) => {
    expect(at(max)).toEqual({ create, resolve });
  });

  it('takes the private microversions only where the operator promises them', () => {
    expect(at(96, '2.96').create).toContain('spice-direct remote_consoles 96 address');
    expect(at(96, '2.96').resolve).toEqual([31, false]);
    expect(at(97, '2.97').create).toContain('spice-direct remote_consoles 97 url');
    expect(at(97, '2.97').resolve).toEqual([97, true]);
    expect(at(96, '2.97').create).toEqual(HTML5);
    expect(at(100, '2.96')).toEqual(at(100));
  });

  it('follows a Nova that has given up its oldest microversions', () => {
    expect(at(110, null, 40).create).toEqual([
      DIRECT,
      'spice-html5 remote_consoles 40 url',
      'novnc remote_consoles 40 url',
    ]);
    expect(at(5, null, 6).create).toEqual([]);
    expect(at(0).create).toEqual([]);
  });

  it('reads and writes microversions', () => {
    expect(parseMicroversion('2.100')).toBe(100);
    expect(microversionText(31)).toBe('2.31');
    for (const bad of ['', '2', '3.1', '2.x', '2.999999', 2.31, null])
      expect(parseMicroversion(bad)).toBeNull();
  });

  it("names Nova's own header below 2.27 only", () => {
    expect(versionHeaders(26)).toEqual({
      'OpenStack-API-Version': 'compute 2.26',
      'X-OpenStack-Nova-API-Version': '2.26',
    });
    expect(versionHeaders(27)).toEqual({ 'OpenStack-API-Version': 'compute 2.27' });
  });
});
