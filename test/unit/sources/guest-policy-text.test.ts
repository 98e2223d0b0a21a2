// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { NOTHING_ALLOWED } from '../../../src/objects/guest-policy.js';
import { readRule, RuleFault, rulesOfTexts, usbRules } from '../../../src/sources/guest-policy-text.js';

describe('a value of a guest data policy', () => {
  it('is read as options are', () => {
    expect(readRule('clipboard', ' To-Guest ')).toBe('to-guest');
    expect(readRule('fileTransfer', 'none')).toBe('none');
    expect([readRule('smartcard', 'no'), readRule('viewOnly', 'True'), readRule('audioRecord', '0')]).toEqual(
      [...[false, true, false]],
    );
    expect(readRule('usb', 'class:08, 046D:C52B')).toEqual(['class:08', '046d:c52b']);
    expect([readRule('maxMonitors', '0'), readRule('maxMonitors', '256')]).toEqual([0, 256]);
  });

  it.each([
    ['clipboard', 'out', '"out" is unknown; give one of none, to-guest, from-guest, both'],
    ['fileTransfer', 'both', '"both" is unknown; give one of none, to-guest'],
    ['folderSharing', 'perhaps', '"perhaps" is neither true nor false; give true or false'],
    ['usb', '', 'names no device; give none, *, class:'],
    ['usb', 'class:8', '"class:8" is no rule; give none, *, class:'],
    ['usb', 'none,class:08', '"none" stands beside other rules'],
    ['usb', '*,none', '"*" stands beside other rules'],
    ['maxMonitors', '257', '"257" is no number of monitors; give 0'],
    ['maxMonitors', '-1', '"-1" is no number of monitors'],
    ['maxMonitors', '1e1', '"1e1" is no number of monitors'],
  ] as const)('of %s is not %j', (key, text, fault) => {
    const found = readRule(key, text);
    expect(found).toBeInstanceOf(RuleFault);
    expect((found as RuleFault).text).toContain(fault);
  });

  it('of usb has a hundred rules at most', () => {
    const many = Array.from({ length: 101 }, (_, at) => `046d:${String(1000 + at)}`);
    expect(usbRules(many.slice(1))).toHaveLength(100);
    expect(usbRules(many)).toBeInstanceOf(RuleFault);
  });

  it('is quoted in part where it is long', () => {
    const fault = readRule('clipboard', 'x'.repeat(1000));
    expect((fault as RuleFault).text.length).toBeLessThan(200);
  });
});

describe('what a cloud says', () => {
  it('is the keys behind the prefix', () => {
    const texts = {
      'kerbside:clipboard': 'none',
      'hw:cpu_policy': 'dedicated',
      'kerbside:max_monitors': '2',
    };
    expect(rulesOfTexts(texts, 'kerbside:')).toEqual({
      rules: { clipboard: 'none', maxMonitors: 2 },
      faults: [],
    });
    expect(rulesOfTexts({}, 'kerbside:')).toEqual({ rules: {}, faults: [] });
  });

  it.each([['sometimes'], [7], [null], [['none']], [{}], [true], ['']])(
    'is the most restrictive value in the place of %j',
    (value) => {
      const names = ['clipboard', 'file_transfer', 'folder_sharing', 'usb', 'smartcard'];
      const more = ['audio_playback', 'audio_record', 'view_only', 'max_monitors'];
      const texts = Object.fromEntries([...names, ...more].map((name) => [`kerbside_${name}`, value]));
      const { rules, faults } = rulesOfTexts(texts, 'kerbside_');
      expect(rules).toEqual(NOTHING_ALLOWED);
      expect(faults).toHaveLength(9);
      expect(faults[0]).toMatch(/^kerbside_clipboard: .*Until then it counts as none$/);
    },
  );

  it('is nothing under a name that is no key, and that is told', () => {
    const { rules, faults } = rulesOfTexts({ 'kerbside:clipbord': 'none' }, 'kerbside:');
    expect(rules).toEqual({});
    expect(faults).toEqual([expect.stringMatching(/^"kerbside:clipbord" is no key .*; it says nothing/)]);
  });
});
