// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { capWords, hasCap, withCap, withoutCap } from '../../../../src/console/spice/capabilities.js';
import {
  COMMON_CAP,
  DISPLAY_CAP,
  INPUTS_CAP,
  MAIN_CAP,
  PLAYBACK_CAP,
  RECORD_CAP,
  SPICEVMC_CAP,
} from '../../../../src/console/spice/constants.js';

describe('capability words', () => {
  it('give the words that real peers send', () => {
    expect(
      capWords(COMMON_CAP.PROTOCOL_AUTH_SELECTION, COMMON_CAP.AUTH_SPICE, COMMON_CAP.MINI_HEADER),
    ).toEqual([0xb]);
    expect(
      capWords(COMMON_CAP.PROTOCOL_AUTH_SELECTION, COMMON_CAP.AUTH_SASL, COMMON_CAP.MINI_HEADER),
    ).toEqual([0xd]);
    const { KERBSIDE_RFB, ...spice } = MAIN_CAP;
    expect(capWords(...Object.values(spice))).toEqual([0xf]);
    expect(capWords(KERBSIDE_RFB)).toEqual([0x8000_0000]);
    expect(
      capWords(
        DISPLAY_CAP.MONITORS_CONFIG,
        DISPLAY_CAP.STREAM_REPORT,
        DISPLAY_CAP.PREF_COMPRESSION,
        DISPLAY_CAP.PREF_VIDEO_CODEC_TYPE,
      ),
    ).toEqual([0x1052]);
    expect(capWords(PLAYBACK_CAP.VOLUME, PLAYBACK_CAP.LATENCY, PLAYBACK_CAP.OPUS)).toEqual([0xe]);
    expect(capWords(RECORD_CAP.VOLUME, RECORD_CAP.OPUS)).toEqual([0x6]);
    expect(capWords(INPUTS_CAP.KEY_SCANCODE)).toEqual([1]);
    expect(capWords(SPICEVMC_CAP.DATA_COMPRESS_LZ4)).toEqual([1]);
    expect(capWords()).toEqual([]);
  });

  it('find every bit, across words and in the sign bit', () => {
    for (const bit of [0, 1, 30, 31, 32, 63, 64]) {
      const words = withCap([], bit);
      expect(words).toHaveLength((bit >>> 5) + 1);
      expect(words.every((word) => word >= 0)).toBe(true);
      for (let other = 0; other < 96; other += 1) {
        expect(hasCap(words, other)).toBe(other === bit);
      }
      expect(withoutCap(words, bit)).toEqual(words.map(() => 0));
    }
  });

  it('keep all other bits and never change what was given', () => {
    const given = Object.freeze([0xffffffff, 0xffffffff]);
    expect(withoutCap(given, 31)).toEqual([0x7fffffff, 0xffffffff]);
    expect(withoutCap(given, 32)).toEqual([0xffffffff, 0xfffffffe]);
    expect(withoutCap(given, 99)).toEqual(given);
    expect(withCap(given, 5)).toEqual(given);
    expect(withCap([1], 33)).toEqual([1, 2]);
  });
});
