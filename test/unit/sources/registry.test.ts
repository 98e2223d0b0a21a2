// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { platformOf, PLATFORMS } from '../../../src/sources/registry.js';

describe('the registry', () => {
  it('knows the keys of platforms that this release does not serve, and has no driver for them', () => {
    expect(platformOf('shakenfist')?.keys).toEqual(['synthesize_host_subject']);
    for (const type of ['ovirt', 'shakenfist']) expect(platformOf(type)?.makeDriver).toBeUndefined();
  });

  it('knows nothing of a type that nobody knows, however objects call it', () => {
    for (const type of ['vmware', '', 'constructor']) expect(platformOf(type)).toBeUndefined();
  });

  it('tells only of instances of a cloud that their guests report their UUID', () => {
    const reporting = Object.entries(PLATFORMS).filter(([, { guestReportsUuid }]) => guestReportsUuid);
    expect(reporting.map(([type]) => type)).toEqual(['openstack']);
  });
});
