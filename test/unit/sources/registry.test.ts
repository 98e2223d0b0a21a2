// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import type { Platform } from '../../../src/sources/platform.js';
import { platformOf, PLATFORMS } from '../../../src/sources/registry.js';

describe('the registry', () => {
  it('has a driver for every platform', async () => {
    for (const { loadDriver } of Object.values<Platform>(PLATFORMS))
      expect(await loadDriver?.()).toBeInstanceOf(Function);
  });

  it('knows nothing of a type that nobody knows, however objects call it', () => {
    for (const type of ['vmware', '', 'constructor']) expect(platformOf(type)).toBeUndefined();
  });

  it('has tickets made at connect time where the platform makes them', () => {
    const minting = Object.entries<Platform>(PLATFORMS).filter(
      ([, { mintsTickets }]) => mintsTickets === true,
    );
    expect(minting.map(([type]) => type)).toEqual(['kubevirt', 'libvirt', 'ovirt', 'proxmox']);
  });

  it('exchanges tokens of platforms that hand some out, each in its way', () => {
    const kinds = Object.entries<Platform>(PLATFORMS).map(([type, { exchange }]) => [type, exchange]);
    expect(kinds.filter(([, exchange]) => exchange !== undefined)).toEqual([
      ['openstack', 'asked'],
      ['shakenfist', 'signed'],
    ]);
  });

  it('tells of platforms whose guests are started with their UUID that they report it', () => {
    const reporting = Object.entries(PLATFORMS).filter(([, { guestReportsUuid }]) => guestReportsUuid);
    expect(reporting.map(([type]) => type)).toEqual(['libvirt', 'openstack']);
  });
});
