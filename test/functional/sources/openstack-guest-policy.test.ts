// SPDX-License-Identifier: Apache-2.0
// What a cloud says of the data that may enter and leave an instance: read with the server, at a session's beginning and by the
// background work, and told to those who carry its sessions. Keystone, Nova and Glance are fakes that speak the wire.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConsoleSettings } from '../../../src/objects/console-settings.js';
import { Consoles } from '../../../src/objects/console.js';
import { NOTHING_ALLOWED } from '../../../src/objects/guest-policy.js';
import type { GuestPolicyTrust, SettledGuestPolicy } from '../../../src/objects/guest-policy-levels.js';
import type { SourceDefinition } from '../../../src/objects/source.js';
import { Sources } from '../../../src/objects/source.js';
import { OpenStackDriver } from '../../../src/sources/openstack/driver.js';
import { SourceDrivers } from '../../../src/sources/source-drivers.js';
import { Cloud } from '../../fixtures/cloud.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { IMAGE, type FakeServer } from '../../fixtures/nova-server.js';
import type { NovaOptions } from '../../fixtures/nova.js';
import { sessionSettings } from '../../fixtures/session-settings.js';

const CONF = {
  nova: { requestTimeout: 5, exchangeTimeout: 5 },
  sources: { requestTimeout: 5, discoveryTimeout: 5 },
  keystoneAuthtoken: { authUrl: '', wwwAuthenticateUri: '' },
};
const TRUSTED: GuestPolicyTrust = { metadata: true, image: 'narrow' };
const DEADLINE = (): AbortSignal => AbortSignal.timeout(20_000);

describe.each(ENGINES)('the guest data policy of an instance on %s', (engine) => {
  const databases = databasesOf(engine);
  const open: Cloud[] = [];
  afterEach(async () => {
    for (const cloud of open.splice(0)) await cloud.close();
  });

  async function aSite(nova: Partial<NovaOptions> = {}, settings: SourceDefinition['settings'] = {}) {
    const cloud = await Cloud.start(nova);
    open.push(cloud);
    const db = await databases.fresh();
    const changed: string[] = [];
    const consoles = new Consoles(db, { settingsChanged: (source) => changed.push(source) });
    const sources = new Sources(db, { settingsChanged: (source) => changed.push(source) });
    const definition = { ...cloud.definition(), settings };
    await sources.upsert(definition);
    const driver = new OpenStackDriver(definition, { consoles, conf: CONF });
    const drivers = new SourceDrivers(sources, { consoles, conf: CONF });
    const locate = async (server: FakeServer) => {
      const target = await consoles.connectInfo('cloud', server.id);
      if (target === null) throw new Error('no such console');
      return driver.locate({ source: 'cloud', uuid: server.id, target }, DEADLINE());
    };
    return {
      ...{ cloud, consoles, sources, changed, driver, definition, locate },
      /** A user comes with a token of Nova. */
      exchange: async (server: FakeServer) => {
        const console = await driver.tokens.resolve(cloud.nova.issue(server).token, 'spice', DEADLINE());
        if (console === null) throw new Error('the token is unknown');
        await driver.tokens.adopt(console, DEADLINE());
      },
      refresh: (server: FakeServer) => drivers.refresh('cloud', server.id, DEADLINE()),
      policy: async (server: FakeServer, trust = TRUSTED): Promise<SettledGuestPolicy> => {
        const deployment = { policy: sessionSettings().guestPolicy, trust };
        const policy = await new ConsoleSettings(db, deployment).guestPolicy('cloud', server.id);
        if (policy === null) throw new Error('no such console');
        return policy;
      },
    };
  }

  it('comes from its flavor, image and metadata, by source and project', async () => {
    const projects = { nobody: { clipboard: 'none' } } as const;
    const site = await aSite(
      {},
      { guestPolicy: { rules: { clipboard: 'to-guest', viewOnly: true }, projects } },
    );
    const server = site.cloud.server({
      extraSpecs: { 'kerbside:usb': 'class:08', 'hw:cpu_policy': 'shared' },
      metadata: { kerbside_max_monitors: '2' },
    });
    site.cloud.glance.images.set(IMAGE, { kerbside_smartcard: 'false', kerbside_clipboard: 'both' });
    await site.exchange(server);
    const policy = await site.policy(server);
    expect(policy).toMatchObject({
      clipboard: { value: 'to-guest', from: 'source cloud' },
      usb: { value: ['class:08'], from: 'flavor' },
      smartcard: { value: false, from: 'image' },
      maxMonitors: { value: 2, from: 'metadata' },
      viewOnly: { value: true, from: 'source cloud' },
      audioRecord: { value: true, from: 'deployment' },
    });
    expect((await site.policy(server, { ...TRUSTED, metadata: false })).maxMonitors.from).toBe('deployment');
    const { id } = site.cloud.project;
    const settings = { guestPolicy: { projects: { [id]: { clipboard: 'none' } } } } as const;
    await site.sources.upsert({ ...site.definition, settings });
    expect((await site.policy(server)).clipboard).toEqual({ value: 'none', from: `project ${id}` });
    expect(site.changed).toEqual(['cloud']);
  });

  it('costs the beginning of a session one request to Glance, and none for the next', async () => {
    const site = await aSite();
    const servers = [site.cloud.server({ extraSpecs: { 'kerbside:usb': 'none' } }), site.cloud.server()];
    const [first, second] = servers as [FakeServer, FakeServer];
    await site.exchange(first);
    await site.exchange(second);
    expect(site.cloud.glance.server.seen(/^GET/)).toHaveLength(1);
    site.cloud.nova.server.forget();
    expect(await site.locate(first)).toMatchObject({
      kind: 'confirmed',
      guestPolicy: { flavor: { usb: ['none'] }, imageId: IMAGE, image: {} },
    });
    const asked = site.cloud.nova.server.requests.map(
      ({ method, path }) => `${method} ${path.split('/')[2] ?? ''}`,
    );
    expect(asked).toEqual(['GET servers', 'POST servers', 'GET os-console-auth-tokens']);
    expect(site.cloud.glance.server.seen(/^GET/)).toHaveLength(1);
  });

  it('is what the cloud says when a session begins, and other processes are told', async () => {
    const site = await aSite();
    const server = site.cloud.server();
    await site.exchange(server);
    site.changed.length = 0;
    server.extraSpecs = { 'kerbside:clipboard': 'none' };
    expect(await site.locate(server)).toMatchObject({ guestPolicy: { flavor: { clipboard: 'none' } } });
    expect((await site.policy(server)).clipboard).toEqual({ value: 'none', from: 'flavor' });
    expect(site.changed).toEqual(['cloud']);
    await site.locate(server);
    expect(site.changed).toEqual(['cloud']);
  });

  it('follows a resize, a rebuild and other metadata when the instance is looked at', async () => {
    const site = await aSite();
    const server = site.cloud.server({ metadata: { kerbside_usb: 'none' } });
    await site.exchange(server);
    Object.assign(server, {
      extraSpecs: { 'kerbside:audio_record': 'no' },
      imageId: 'another',
      metadata: {},
    });
    site.cloud.glance.images.set('another', { kerbside_view_only: 'yes' });
    expect(await site.refresh(server)).toBe('written');
    expect(await site.policy(server)).toMatchObject({
      audioRecord: { value: false, from: 'flavor' },
      viewOnly: { value: true, from: 'image' },
      usb: { value: ['*'], from: 'deployment' },
    });
  });

  it('is the most restrictive one while Glance does not answer, and the desktop starts; known images stay', async () => {
    const site = await aSite();
    const server = site.cloud.server();
    const end = site.cloud.glance.server.fault(/^GET/, { kind: 'status', status: 503 });
    await site.exchange(server);
    expect(await site.locate(server)).toMatchObject({ kind: 'confirmed' });
    expect((await site.policy(server)).viewOnly).toEqual({ value: NOTHING_ALLOWED.viewOnly, from: 'image' });
    end();
    const fresh = new OpenStackDriver(site.definition, { consoles: site.consoles, conf: CONF });
    const recorded = await site.consoles.reportedOne('cloud', server.id);
    const now = await fresh.refresh(recorded!, DEADLINE());
    expect(now?.settings).toEqual({ guestPolicy: { imageId: IMAGE, image: {} } });
    await site.consoles.put('cloud', now!);
    site.cloud.glance.server.fault(/^GET/, { kind: 'nothing' });
    const other = new OpenStackDriver(site.definition, { consoles: site.consoles, conf: CONF });
    expect((await other.refresh(now!, DEADLINE()))?.settings).toEqual(now?.settings);
  });

  it('does not ask Glance where images are ignored', async () => {
    const site = await aSite();
    const server = site.cloud.server();
    await site.exchange(server);
    site.cloud.glance.server.forget();
    const conf = { ...CONF, guestPolicy: { imageProperties: 'ignore' } } as const;
    const driver = new OpenStackDriver(site.definition, { consoles: site.consoles, conf });
    const now = await driver.refresh((await site.consoles.reportedOne('cloud', server.id))!, DEADLINE());
    expect(now?.settings).toBeUndefined();
    expect(site.cloud.glance.server.requests).toEqual([]);
  });

  it('is read from an old Nova by the id of the flavor', async () => {
    const site = await aSite({ maxVersion: '2.38' });
    const server = site.cloud.server({
      flavorId: 'm1.small',
      extraSpecs: { 'kerbside:file_transfer': 'none' },
    });
    await site.exchange(server);
    expect((await site.policy(server)).fileTransfer).toEqual({ value: 'none', from: 'flavor' });
  });

  it('allows nothing where Nova does not show the extra specs', async () => {
    const site = await aSite();
    const server = site.cloud.server({ extraSpecs: null });
    await site.exchange(server);
    expect((await site.policy(server)).clipboard).toEqual({ value: 'none', from: 'flavor' });
  });
});
