// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { channelCaps, COMMON_CAPS, missingCaps } from '../../../../src/console/connection/advertised-caps.js';
import { CHANNEL } from '../../../../src/console/spice/constants.js';

describe('the capabilities that clients are shown', () => {
  it('offer a choice of mechanism, tickets and mini headers, and never SASL', () => {
    expect(COMMON_CAPS).toEqual([0xb]);
  });

  it.each([
    ['main', [0xf]],
    ['display', [0x1052]],
    ['inputs', [1]],
    ['cursor', []],
    ['playback', [0xa]],
    ['record', [6]],
    ['tunnel', []],
    ['smartcard', []],
    ['usbredir', [1]],
    ['port', [1]],
    ['webdav', [1]],
  ] as const)('are those of spice-server on %s', (name, words) => {
    expect(channelCaps(CHANNEL[name])).toEqual(words);
  });
});

describe('missing capabilities', () => {
  it('are the bits that were shown and that the backend lacks', () => {
    expect(missingCaps(CHANNEL.main, [0xf])).toEqual([]);
    expect(missingCaps(CHANNEL.main, [0x5])).toEqual([1, 3]);
    expect(missingCaps(CHANNEL.display, [])).toEqual([1, 4, 6, 12]);
    expect(missingCaps(CHANNEL.cursor, [0xffff])).toEqual([]);
  });
});
