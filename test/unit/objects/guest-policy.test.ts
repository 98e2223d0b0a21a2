// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { GUEST_POLICY_GROUP } from '../../../src/conf/guest-policy.js';
import {
  GUEST_POLICY_KEYS,
  GUEST_POLICY_NAMES,
  narrower,
  NOTHING_ALLOWED,
  plainUsb,
  type ClipboardRule,
  type GuestPolicy,
} from '../../../src/objects/guest-policy.js';

const EVERYTHING: GuestPolicy = {
  ...{ clipboard: 'both', fileTransfer: 'to-guest', folderSharing: true, usb: ['*'], smartcard: true },
  ...{ audioPlayback: true, audioRecord: true, viewOnly: false, maxMonitors: 0 },
};

describe('a guest data policy', () => {
  it('has the keys of the options, but for whose word counts', () => {
    const options = Object.keys(GUEST_POLICY_GROUP.options);
    expect([...Object.values(GUEST_POLICY_NAMES), 'trust_metadata', 'image_properties']).toEqual(options);
  });

  it.each(GUEST_POLICY_KEYS)('of two values of %s allows what both allow', (key) => {
    const [all, none] = [EVERYTHING[key], NOTHING_ALLOWED[key]];
    expect(narrower(key, all, all)).toEqual(all);
    expect(narrower(key, all, none)).toEqual(none);
    expect(narrower(key, none, all)).toEqual(none);
    expect(narrower(key, none, none)).toEqual(none);
  });

  it.each<[ClipboardRule, ClipboardRule, ClipboardRule]>([
    ['to-guest', 'from-guest', 'none'],
    ['to-guest', 'to-guest', 'to-guest'],
    ['both', 'from-guest', 'from-guest'],
    ['to-guest', 'both', 'to-guest'],
  ])('lets the clipboard go by %s and %s as %s', (a, b, both) => {
    expect(narrower('clipboard', a, b)).toBe(both);
    expect(narrower('clipboard', b, a)).toBe(both);
  });

  it.each([
    [['*'], ['class:08'], ['class:08']],
    [['class:08', '046d:c52b'], ['046D:C52B', 'class:03'], ['046d:c52b']],
    [['class:08'], ['046d:c52b'], ['none']],
    [['none'], ['*'], ['none']],
    [['class:08', 'none'], ['*'], ['none']],
  ])('lets USB devices of %j and %j in as %j', (a, b, both) => {
    expect(narrower('usb', a, b)).toEqual(both);
    expect(narrower('usb', b, a)).toEqual(both);
  });

  it('counts monitors from one, and 0 as no limit', () => {
    expect([
      narrower('maxMonitors', 2, 4),
      narrower('maxMonitors', 0, 3),
      narrower('maxMonitors', 3, 0),
    ]).toEqual([2, 3, 3]);
  });

  it('names a rule of USB once, in lower case; none and * say all there is to say', () => {
    expect(plainUsb(['046D:C52B', '046d:c52b'])).toEqual(['046d:c52b']);
    expect(plainUsb(['*', 'none', 'class:08'])).toEqual(['none']);
    expect(plainUsb(['class:08', '*'])).toEqual(['*']);
  });
});
