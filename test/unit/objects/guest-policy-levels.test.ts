// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  NOTHING_ALLOWED,
  type GuestPolicy,
  type GuestPolicyRules,
} from '../../../src/objects/guest-policy.js';
import {
  deploymentOf,
  LEVELS,
  levelsOf,
  NO_TRUST,
  settledPolicy,
  settledRecord,
  valuesOf,
  withCloud,
  type GuestPolicyLevel,
  type GuestPolicyTrust,
} from '../../../src/objects/guest-policy-levels.js';

const POLICY: GuestPolicy = {
  ...{ clipboard: 'both', fileTransfer: 'to-guest', folderSharing: true, usb: ['*'], smartcard: true },
  ...{ audioPlayback: true, audioRecord: true, viewOnly: false, maxMonitors: 0 },
};
const ALL_TRUSTED: GuestPolicyTrust = { metadata: true, image: 'trust' };
const AT = { source: 'lab', projectId: 'p1' };

function said(level: GuestPolicyLevel['level'], rules: GuestPolicyRules): GuestPolicyLevel {
  return { level, from: level, rules };
}

function settle(
  levels: readonly GuestPolicyLevel[],
  trust = NO_TRUST,
  policy: Partial<GuestPolicy> = {},
): ReturnType<typeof settledPolicy> {
  return settledPolicy({ policy: { ...POLICY, ...policy }, trust }, levels);
}

/** Every pair of places, the wider one first. */
const PAIRS = LEVELS.flatMap((wide, index) =>
  LEVELS.slice(index + 1).map((narrow) => [wide, narrow] as const),
);

describe('of two places', () => {
  it.each(PAIRS)('%s and %s, the narrower one decides', (wide, narrow) => {
    const levels = [
      said(wide, { clipboard: 'none', maxMonitors: 1, smartcard: false }),
      said(narrow, { clipboard: 'to-guest', maxMonitors: 4 }),
    ];
    const settled = settle(levels, ALL_TRUSTED);
    expect(settled.clipboard).toEqual({ value: 'to-guest', from: narrow });
    expect(settled.maxMonitors).toEqual({ value: 4, from: narrow });
    expect(settled.smartcard).toEqual({ value: false, from: wide });
    expect(settled.usb).toEqual({ value: ['*'], from: 'deployment' });
  });

  it.each(LEVELS)('the deployment and %s, the narrower one decides, also for more', (level) => {
    const rules: GuestPolicyRules = { clipboard: 'both', viewOnly: false, usb: ['046D:c52b'] };
    const settled = settle([said(level, rules)], ALL_TRUSTED, { ...NOTHING_ALLOWED });
    expect(settled.clipboard).toEqual({ value: 'both', from: level });
    expect(settled.viewOnly).toEqual({ value: false, from: level });
    expect(settled.usb).toEqual({ value: ['046d:c52b'], from: level });
    expect(settled.folderSharing).toEqual({ value: false, from: 'deployment' });
  });
});

describe('whose word counts', () => {
  it('is not that of metadata, unless the operators trust it', () => {
    const levels = [said('metadata', { clipboard: 'none' })];
    expect(settle(levels).clipboard).toEqual({ value: 'both', from: 'deployment' });
    expect(settle(levels, { metadata: true, image: 'narrow' }).clipboard).toEqual({
      value: 'none',
      from: 'metadata',
    });
  });

  it('is that of an image only where it takes away', () => {
    const image = said('image', { clipboard: 'both', fileTransfer: 'none', usb: ['*'], maxMonitors: 2 });
    const settled = settle([
      said('source', { clipboard: 'to-guest', usb: ['class:08'], maxMonitors: 4 }),
      image,
    ]);
    expect(settled.clipboard).toEqual({ value: 'to-guest', from: 'source' });
    expect(settled.usb).toEqual({ value: ['class:08'], from: 'source' });
    expect(settled.fileTransfer).toEqual({ value: 'none', from: 'image' });
    expect(settled.maxMonitors).toEqual({ value: 2, from: 'image' });
  });

  it('is that of an image together with what it narrows', () => {
    const levels = [said('project', { clipboard: 'to-guest' }), said('image', { clipboard: 'from-guest' })];
    expect(settle(levels).clipboard).toEqual({ value: 'none', from: 'image' });
  });

  it('is not that of an image where images are ignored', () => {
    const levels = [said('image', { clipboard: 'none' })];
    expect(settle(levels, { metadata: false, image: 'ignore' }).clipboard.from).toBe('deployment');
  });

  it('is that of a flavor over a narrower image', () => {
    const levels = [said('image', { clipboard: 'none' }), said('flavor', { clipboard: 'both' })];
    expect(settle(levels).clipboard).toEqual({ value: 'both', from: 'flavor' });
  });
});

describe('the places of a console', () => {
  const source = {
    rules: { usb: ['none'] },
    projects: { p1: { clipboard: 'none' }, p2: { smartcard: false } },
  } as const;
  const console = {
    rules: { viewOnly: true },
    image: { clipboard: 'none' },
    flavor: {},
    metadata: { maxMonitors: 1 },
  } as const;

  it('stand in their order, with names for people; one that says nothing is left out', () => {
    const levels = levelsOf(console, source, AT);
    expect(levels.map(({ level, from }) => [level, from])).toEqual([
      ['source', 'source lab'],
      ['project', 'project p1'],
      ['image', 'image'],
      ['metadata', 'metadata'],
      ['console', 'console'],
    ]);
  });

  it('have the project that its console is of, and no other', () => {
    const of = (projectId: string | null): string[] =>
      levelsOf(undefined, source, { source: 'lab', projectId }).map(({ from }) => from);
    expect([of('p2'), of('p3'), of(null), of('__proto__'), of('toString')]).toEqual([
      ['source lab', 'project p2'],
      ...Array.from({ length: 4 }, () => ['source lab']),
    ]);
    expect(levelsOf(undefined, undefined, AT)).toEqual([]);
  });

  it('take what the cloud says now in the place of what it said', () => {
    const levels = withCloud(levelsOf(console, source, AT), { flavor: { clipboard: 'both' } });
    expect(levels.map(({ level }) => level)).toEqual(['source', 'project', 'flavor', 'console']);
  });
});

describe('what holds', () => {
  it('is shown with the keys of sources.yaml', () => {
    const record = settledRecord(settle([said('console', { viewOnly: true })]));
    expect(Object.keys(record)).toEqual([
      ...[
        'clipboard',
        'file_transfer',
        'folder_sharing',
        'usb',
        'smartcard',
        'audio_playback',
        'audio_record',
      ],
      ...['view_only', 'max_monitors'],
    ]);
    expect(record['view_only']).toEqual({ value: true, from: 'console' });
  });

  it('has values that the relay goes by', () => {
    expect(valuesOf(settle([]))).toEqual(POLICY);
  });

  it('begins with the options', () => {
    const options = { ...POLICY, trustMetadata: true, imageProperties: 'ignore' } as const;
    expect(deploymentOf(options)).toEqual({ policy: POLICY, trust: { metadata: true, image: 'ignore' } });
  });
});
