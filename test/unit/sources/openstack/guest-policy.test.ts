// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import type { Instance, InstanceFlavor, Members } from '../../../../src/compute/instance.js';
import { Unavailable } from '../../../../src/exception.js';
import { NOTHING_ALLOWED } from '../../../../src/objects/guest-policy.js';
import type { CloudGuestPolicy } from '../../../../src/objects/guest-policy-levels.js';
import { InstancePolicies } from '../../../../src/sources/openstack/guest-policy.js';

function anInstance(change: Partial<Instance> = {}): Instance {
  const flavor: InstanceFlavor = { kind: 'embedded', extraSpecs: {} };
  return {
    ...{ uuid: 'u', name: 'n', projectId: 'p', userId: 'x', host: 'h', status: 'ACTIVE', taskState: null },
    ...{ flavor, imageId: null, metadata: {}, ...change },
  };
}

/** A cloud whose answers a test sets: what is asked for, what is told, and a clock. */
class Cloud {
  images: Record<string, Members | Error | null> = {};
  flavors: Record<string, Members | Error | null> = {};
  readonly asked: string[] = [];
  readonly told: string[] = [];
  now = 0;
  private readonly policies: InstancePolicies;

  constructor({ images = true } = {}) {
    this.policies = new InstancePolicies({
      extraSpecs: (id) => this.answer(this.flavors, id),
      image: images ? (id) => this.answer(this.images, id) : undefined,
      report: (fault) => this.told.push(fault),
      now: () => this.now,
    });
  }

  of(change: Partial<Instance>, before?: CloudGuestPolicy): Promise<CloudGuestPolicy> {
    return this.policies.of(anInstance(change), before, new AbortController().signal);
  }

  private answer(from: Record<string, Members | Error | null>, id: string): Promise<Members | null> {
    this.asked.push(id);
    const found = from[id] ?? null;
    return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
  }
}

const AWAY = new Unavailable('Glance at glance:9292 does not answer');

describe('what a cloud says of an instance', () => {
  it('is what its flavor, its image and its metadata say', async () => {
    const cloud = new Cloud();
    cloud.images['i'] = { name: 'windows', kerbside_usb: 'class:08', hw_disk_bus: 'virtio' };
    const flavor: InstanceFlavor = { kind: 'embedded', extraSpecs: { 'kerbside:clipboard': 'to-guest' } };
    const metadata = { kerbside_view_only: 'true', owner: 'ann' };
    expect(await cloud.of({ flavor, imageId: 'i', metadata })).toEqual({
      ...{ imageId: 'i', image: { usb: ['class:08'] } },
      ...{ flavor: { clipboard: 'to-guest' }, metadata: { viewOnly: true } },
    });
    expect(cloud.told).toEqual([]);
  });

  it('may be nothing; that an image says nothing is known, too', async () => {
    const cloud = new Cloud();
    cloud.images['i'] = {};
    expect(await cloud.of({})).toEqual({});
    expect(await cloud.of({ imageId: 'i' })).toEqual({ imageId: 'i', image: {} });
  });

  it('is the most restrictive value where one cannot be read, and that is told once', async () => {
    const cloud = new Cloud();
    const flavor: InstanceFlavor = { kind: 'embedded', extraSpecs: { 'kerbside:clipboard': 'out' } };
    const metadata = { kerbside_max_monitors: 7 };
    for (let time = 0; time < 3; time += 1)
      expect(await cloud.of({ flavor, metadata })).toEqual({
        flavor: { clipboard: 'none' },
        metadata: { maxMonitors: 1 },
      });
    expect(cloud.told).toEqual([
      expect.stringMatching(/^flavor of instance u: kerbside:clipboard: "out" is unknown; .*counts as none$/),
      expect.stringMatching(/^metadata of instance u: kerbside_max_monitors: is no text\. .*counts as 1$/),
    ]);
  });

  it('is that nothing is allowed where Nova hides the extra specs', async () => {
    const cloud = new Cloud();
    expect(await cloud.of({ flavor: { kind: 'hidden' } })).toEqual({ flavor: NOTHING_ALLOWED });
    expect(cloud.told[0]).toContain('os_compute_api:servers:show:flavor-extra-specs');
  });
});

describe('an image', () => {
  it('is asked for once in a while, for all instances', async () => {
    const cloud = new Cloud();
    cloud.images['i'] = { kerbside_usb: 'none' };
    await cloud.of({ imageId: 'i' });
    await cloud.of({ imageId: 'i', uuid: 'v' });
    cloud.images['i'] = {};
    cloud.now = 299;
    expect((await cloud.of({ imageId: 'i' })).image).toEqual({ usb: ['none'] });
    cloud.now = 301;
    expect((await cloud.of({ imageId: 'i' })).image).toEqual({});
    expect(cloud.asked).toEqual(['i', 'i']);
  });

  it('that cannot be read allows nothing, is told, and is asked for again after a pause', async () => {
    const cloud = new Cloud();
    cloud.images['i'] = AWAY;
    expect(await cloud.of({ imageId: 'i' })).toEqual({ imageId: 'i', image: NOTHING_ALLOWED });
    expect(cloud.told).toEqual([
      'image i cannot be read: Glance at glance:9292 does not answer. Until then nothing is allowed that it may forbid; ' +
        'where Kerbside is not to ask for images at all, set [guest_policy] image_properties = ignore',
    ]);
    cloud.images['i'] = {};
    expect((await cloud.of({ imageId: 'i' })).image).toEqual(NOTHING_ALLOWED);
    cloud.now = 16;
    expect((await cloud.of({ imageId: 'i' })).image).toEqual({});
    expect(cloud.asked).toEqual(['i', 'i']);
  });

  it('says what it said before while it cannot be read', async () => {
    const cloud = new Cloud();
    cloud.images['i'] = { kerbside_usb: 'none' };
    await cloud.of({ imageId: 'i' });
    cloud.images['i'] = AWAY;
    cloud.now = 1000;
    expect((await cloud.of({ imageId: 'i' })).image).toEqual({ usb: ['none'] });
    const other = new Cloud();
    other.images['i'] = AWAY;
    const before = { imageId: 'i', image: { smartcard: false } };
    expect((await other.of({ imageId: 'i' }, before)).image).toEqual({ smartcard: false });
    expect(other.told).toEqual([]);
    // What another image has said counts for nothing.
    expect((await other.of({ imageId: 'j' }, before)).image).toEqual({});
    other.images['j'] = AWAY;
    other.now = 1000;
    expect((await other.of({ imageId: 'k' }, before)).image).toEqual({});
  });

  it('that is gone says what it said before it went, and nothing where nobody knows that', async () => {
    const cloud = new Cloud();
    expect((await cloud.of({ imageId: 'i' })).image).toEqual({});
    const before = { imageId: 'i', image: { viewOnly: true } };
    expect((await cloud.of({ imageId: 'i' }, before)).image).toEqual({ viewOnly: true });
    const other = new Cloud();
    other.images['j'] = { kerbside_usb: 'none' };
    await other.of({ imageId: 'j' });
    other.images['j'] = null;
    other.now = 1000;
    expect((await other.of({ imageId: 'j' })).image).toEqual({ usb: ['none'] });
  });

  it('is not asked for where images are ignored, nor for an instance that boots from a volume', async () => {
    const cloud = new Cloud({ images: false });
    expect(await cloud.of({ imageId: 'i' })).toEqual({});
    expect(await new Cloud().of({ imageId: null })).toEqual({});
    expect(cloud.asked).toEqual([]);
  });
});

describe('a flavor that Nova only names', () => {
  it('is asked for, and kept', async () => {
    const cloud = new Cloud();
    cloud.flavors['f'] = { 'kerbside:smartcard': 'no' };
    const flavor: InstanceFlavor = { kind: 'named', id: 'f' };
    expect(await cloud.of({ flavor })).toEqual({ flavor: { smartcard: false } });
    expect(await cloud.of({ flavor })).toEqual({ flavor: { smartcard: false } });
    expect(cloud.asked).toEqual(['f']);
  });

  it('allows nothing while it cannot be read', async () => {
    const cloud = new Cloud();
    cloud.flavors['f'] = new Unavailable('Nova answered 500');
    expect(await cloud.of({ flavor: { kind: 'named', id: 'f' } })).toEqual({ flavor: NOTHING_ALLOWED });
    expect(cloud.told).toEqual([
      'flavor f cannot be read: Nova answered 500. Until then nothing is allowed that it may forbid',
    ]);
  });
});
