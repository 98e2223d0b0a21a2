// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { NOTHING_ALLOWED } from '../../../src/objects/guest-policy.js';
import { ownPolicyIn, ownPolicyRecord } from '../../../src/objects/guest-policy-record.js';
import { settingsIn, settingsText } from '../../../src/objects/own-settings.js';

describe('what a row says of guest data', () => {
  it('comes back as it was written', () => {
    const guestPolicy = {
      rules: { clipboard: 'to-guest', usb: ['class:08'], maxMonitors: 0 },
      projects: { p1: { viewOnly: true }, p2: {} },
      image: { smartcard: false },
      flavor: { fileTransfer: 'none' },
      metadata: { audioRecord: false, audioPlayback: false, folderSharing: false },
    } as const;
    const text = settingsText({ guestPolicy });
    expect(text).toContain(
      '{"guest_policy":{"clipboard":"to-guest","usb":["class:08"],"max_monitors":0,"projects":',
    );
    expect(settingsIn(text)).toEqual({ guestPolicy });
  });

  it('may be nothing', () => {
    expect(ownPolicyRecord(undefined)).toBeUndefined();
    expect([ownPolicyRecord({}), ownPolicyIn({})]).toEqual([{}, {}]);
  });

  it('has the most restrictive value where this release does not know the one that is written', () => {
    const strange = {
      ...{ clipboard: 'text', file_transfer: 7, folder_sharing: 'no', usb: [], smartcard: null },
      ...{ audio_playback: {}, audio_record: [], view_only: 'no', max_monitors: 257 },
    };
    expect(ownPolicyIn({ ...strange, flavor: strange, another: 1 })).toEqual({
      rules: NOTHING_ALLOWED,
      flavor: NOTHING_ALLOWED,
    });
    for (const max_monitors of [-1, 1.5, '2'])
      expect(ownPolicyIn({ max_monitors })).toEqual({ rules: { maxMonitors: 1 } });
  });

  it.each(['text', null, 7, []])('says nothing of a level that is %j', (flavor) => {
    expect(ownPolicyIn({ flavor })).toEqual({ flavor: {} });
  });

  it('keeps a project of any name apart from what objects have', () => {
    const text = '{"guest_policy":{"projects":{"__proto__":{"usb":["none"]}}}}';
    const { guestPolicy } = settingsIn(text);
    expect(Object.keys(guestPolicy?.projects ?? {})).toEqual(['__proto__']);
    expect(settingsText({ guestPolicy: guestPolicy ?? {} })).toBe(text);
  });
});
