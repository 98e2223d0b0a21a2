// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  ConsoleOpening,
  type FoundConsole,
  type WantedConsole,
} from '../../../src/broker/console-opening.js';
import { InvalidInput, NotFound, Unavailable } from '../../../src/exception.js';
import { InstanceNotReady } from '../../../src/objects/instance-fault.js';
import type { InventoryFilter, ListedConsole } from '../../../src/objects/inventory.js';
import type { Source } from '../../../src/objects/source.js';
import type { UserConsoles } from '../../../src/sources/driver.js';
import type { DrivenSource } from '../../../src/sources/source-drivers.js';
import { aConsole } from '../../fixtures/rows.js';

const UUID = '5d1cd04c-0000-4000-8000-000000000001';
const ROW: ListedConsole = {
  ...{
    source: 'lab',
    uuid: UUID,
    discovered: 0,
    hypervisor: 'hv',
    hypervisor_ip: '192.0.2.1',
    name: 'desktop',
  },
  ...{ insecure_port: 5900, secure_port: null, host_subject: null, project_id: 'p-1', user_id: null },
  ...{ instance_state: null, instance_host: null, instance_event_at: null, instance_locked: null },
  ...{
    instance_locked_at: null,
    address_host: null,
    address_stale: null,
    tags: null,
    access_id: null,
    protocol: null,
  },
};
const SOURCE: Source = {
  ...{ name: 'lab', type: 'static', lastSeen: null, seenBy: null, errored: false, error: null, url: null },
  ...{ caCert: null, username: null, projectName: null, userDomainId: null, projectDomainId: null },
  deleted: false,
};

/** A site whose records and clouds know what a test puts into them. */
class Site {
  readonly recorded: { source: string; type: string; deleted?: true }[] = [];
  readonly clouds = new Map<string, DrivenSource>();
  /** Whose token which cloud was asked with. */
  readonly opened: [string, string][] = [];

  find(wanted: Partial<WantedConsole> = {}): Promise<FoundConsole> {
    const opening = new ConsoleOpening({
      inventory: { consoles: (_page, filter) => Promise.resolve({ items: this.listed(filter), next: null }) },
      sources: { find: (name) => Promise.resolve(this.source(name)) },
      drivers: { all: () => Promise.resolve(this.clouds) },
      timeout: 60,
      log: { warning: () => undefined },
    });
    return opening.find({ uuid: UUID, ...wanted });
  }

  /** Adds a cloud whose users can open consoles. @param has whether it has the machine */
  cloud(name: string, has: () => Promise<boolean>, knowsUsers = true, fault?: Error): void {
    const users: UserConsoles = {
      has,
      open: (uuid, _type, token) => {
        this.opened.push([name, token]);
        if (fault !== undefined) return Promise.reject(fault);
        return Promise.resolve(aConsole({ uuid, name: 'desktop', projectId: 'p-1' }));
      },
    };
    const locate = (): Promise<{ kind: 'recorded' }> => Promise.resolve({ kind: 'recorded' });
    this.clouds.set(name, { name, knowsUsers, driver: { type: 'openstack', locate, users } });
  }

  private listed({ source }: InventoryFilter): ListedConsole[] {
    return this.recorded
      .filter((entry) => source === undefined || entry.source === source)
      .map((entry): ListedConsole => ({ ...ROW, source: entry.source }));
  }

  private source(name: string): Source | null {
    const entry = this.recorded.find(({ source }) => source === name);
    return entry === undefined
      ? null
      : { ...SOURCE, name, type: entry.type, deleted: entry.deleted === true };
  }
}

const yes = (): Promise<boolean> => Promise.resolve(true);
const no = (): Promise<boolean> => Promise.resolve(false);

describe('a console that is wanted', () => {
  it('is the recorded one, for whoever comes with a login of Kerbside', async () => {
    const site = new Site();
    site.recorded.push({ source: 'lab', type: 'static' });
    expect(await site.find()).toEqual({
      source: 'lab',
      uuid: UUID,
      name: 'desktop',
      projectId: 'p-1',
      accessId: null,
      protocol: 'spice',
    });
    await expect(site.find({ source: 'other' })).rejects.toThrow(NotFound);
  });

  it('is not there when its source has left the configuration', async () => {
    const site = new Site();
    site.recorded.push({ source: 'lab', type: 'static', deleted: true });
    await expect(site.find()).rejects.toThrow(NotFound);
  });

  it('is made by the only cloud of this site, in the name of its user', async () => {
    const site = new Site();
    site.recorded.push({ source: 'cloud', type: 'openstack' });
    site.cloud('cloud', no);
    const found = {
      source: 'cloud',
      uuid: UUID,
      name: 'desktop',
      projectId: 'p-1',
      accessId: null,
      protocol: 'spice',
    };
    expect(await site.find({ token: 'user-token' })).toEqual(found);
    expect(site.opened).toEqual([['cloud', 'user-token']]);
  });

  it('is made by the cloud that has the machine, and no other is shown the token', async () => {
    const site = new Site();
    site.cloud('east', no);
    site.cloud('west', yes);
    site.cloud('strange', yes, false);
    expect(await site.find({ token: 'user-token' })).toMatchObject({ source: 'west' });
    expect(site.opened).toEqual([['west', 'user-token']]);
  });

  it('is made by nobody whose Keystone is another than that of the token', async () => {
    const site = new Site();
    site.cloud('strange', yes, false);
    await expect(site.find({ token: 'user-token', source: 'strange' })).rejects.toThrow(InvalidInput);
    await expect(site.find({ token: 'user-token' })).rejects.toThrow(NotFound);
    expect(site.opened).toEqual([]);
  });

  it('is not known to be absent while one of the clouds does not answer', async () => {
    const site = new Site();
    site.cloud('east', no);
    site.cloud('west', () => Promise.reject(new Unavailable('away')));
    await expect(site.find({ token: 'user-token' })).rejects.toThrow(Unavailable);
    site.cloud('west', no);
    await expect(site.find({ token: 'user-token' })).rejects.toThrow(NotFound);
  });

  it('is not there when its machine is gone, and not ready when its cloud says so', async () => {
    const site = new Site();
    site.cloud('cloud', yes, true, new InstanceNotReady('gone'));
    await expect(site.find({ token: 'user-token' })).rejects.toThrow(NotFound);
    site.cloud('cloud', yes, true, new InstanceNotReady('building'));
    await expect(site.find({ token: 'user-token' })).rejects.toThrow(InstanceNotReady);
  });

  it('cannot be had from a source without a driver, or from none', async () => {
    const site = new Site();
    site.clouds.set('odd', { name: 'odd', knowsUsers: true, driver: new Error('url: not one') });
    await expect(site.find({ token: 'user-token' })).rejects.toThrow(Unavailable);
    await expect(site.find({ token: 'user-token', source: 'none' })).rejects.toThrow('source not found');
  });
});
