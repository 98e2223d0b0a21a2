// SPDX-License-Identifier: Apache-2.0
// What data may enter and leave a desktop, as the REST service shows it and its files offer it: by the options, a source, a
// project, a cloud and the console itself.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConf } from '../../../src/conf/index.js';
import { Consoles } from '../../../src/objects/console.js';
import type { OwnGuestPolicy } from '../../../src/objects/guest-policy-levels.js';
import { Sources } from '../../../src/objects/source.js';
import { aConsole, anApiSite, type ApiSite } from '../../fixtures/api-site.js';

const UUID = '00000000-0000-4000-8000-000000000001';
const OTHER = '00000000-0000-4000-8000-000000000002';
const LATEST = { 'OpenStack-API-Version': 'console 1.4' };
const OPTIONS = { OS_GUEST_POLICY__CLIPBOARD: 'to-guest', OS_GUEST_POLICY__MAX_MONITORS: '4' };

type Policy = Record<string, { value: unknown; from: string }>;

let site: ApiSite;
let sources: Sources;
let consoles: Consoles;

beforeAll(async () => {
  site = await anApiSite(OPTIONS);
  sources = new Sources(site.db);
  consoles = new Consoles(site.db);
  const guestPolicy = {
    rules: { smartcard: false, usb: ['class:08'] },
    projects: { p1: { folderSharing: false } },
  };
  await sources.upsert({ name: 'a lab', type: 'static', settings: { guestPolicy } });
  const own: OwnGuestPolicy = {
    image: { audioRecord: false, clipboard: 'both' },
    flavor: { audioPlayback: false },
    metadata: { viewOnly: true },
    rules: { fileTransfer: 'none' },
  };
  await consoles.reconcile('a lab', [
    aConsole({ uuid: UUID, projectId: 'p1', settings: { guestPolicy: own } }),
    aConsole({ uuid: OTHER, projectId: 'p2' }),
  ]);
});
afterAll(() => site.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  site.call('GET', path, { token: site.admin, headers });

async function policyOf(uuid: string): Promise<Policy> {
  const { json } = await get(`/v1/consoles/a%20lab/${uuid}`, LATEST);
  return (json as { console: { guest_policy: Policy } }).console.guest_policy;
}

describe('the guest data policy of a console', () => {
  const EXPECTED = {
    clipboard: { value: 'to-guest', from: 'deployment' },
    file_transfer: { value: 'none', from: 'console' },
    folder_sharing: { value: false, from: 'project p1' },
    usb: { value: ['class:08'], from: 'source a lab' },
    smartcard: { value: false, from: 'source a lab' },
    audio_playback: { value: false, from: 'flavor' },
    audio_record: { value: false, from: 'image' },
    view_only: { value: false, from: 'deployment' },
    max_monitors: { value: 4, from: 'deployment' },
  };

  it('has each key with the place that says so', async () => {
    expect(await policyOf(UUID)).toEqual(EXPECTED);
    expect((await policyOf(OTHER))['folder_sharing']).toEqual({ value: true, from: 'deployment' });
  });

  it("is a member of the original's object, alone and in the list", async () => {
    expect((await get(`/console/a%20lab/${UUID}`)).json).toMatchObject({ guest_policy: EXPECTED });
    const list = (await get('/console')).json as { uuid: string; guest_policy: Policy }[];
    expect(list.map(({ uuid, guest_policy: policy }) => [uuid, policy['file_transfer']?.from])).toEqual([
      [UUID, 'console'],
      [OTHER, 'deployment'],
    ]);
  });

  it('is no part of older versions, nor of listings', async () => {
    const older = { 'OpenStack-API-Version': 'console 1.3' };
    expect((await get(`/v1/consoles/a%20lab/${UUID}`, older)).text).not.toContain('guest_policy');
    expect((await get('/v1/consoles', LATEST)).text).not.toContain('guest_policy');
  });

  it('follows its source', async () => {
    await sources.upsert({
      name: 'a lab',
      type: 'static',
      settings: { guestPolicy: { rules: { usb: ['none'] } } },
    });
    expect((await policyOf(OTHER))['usb']).toEqual({ value: ['none'], from: 'source a lab' });
    expect((await policyOf(OTHER))['smartcard']).toEqual({ value: true, from: 'deployment' });
    const proxied = await get(`/console/proxy/a%20lab/${OTHER}/console.vv`);
    expect(proxied.text).toContain('enable-smartcard=1\n');
    expect(proxied.text).not.toContain('usb');
    const direct = await get(`/console/direct/a%20lab/${OTHER}/console.vv`);
    expect(direct.text).not.toContain('usb');
    const opened = await site.call('POST', '/v1/consoles', {
      token: site.admin,
      accept: 'application/x-virt-viewer',
      body: { instance_uuid: OTHER, source: 'a lab' },
    });
    expect([opened.status, opened.text.includes('usb')]).toEqual([201, false]);
  });
});

describe('other options', () => {
  it('are taken up by a running service', async () => {
    const options = {
      ...{ OS_API__ADDRESS: '127.0.0.1', OS_API__PORT: '0', OS_API__AUTH_SECRET_SEED: 'x'.repeat(32) },
      ...{ OS_GUEST_POLICY__VIEW_ONLY: 'true', OS_GUEST_POLICY__TRUST_METADATA: 'true' },
    };
    const { conf } = loadConf({ configFiles: [], configDirs: [] }, options);
    site.server.reload(conf);
    expect((await policyOf(OTHER))['view_only']).toEqual({ value: true, from: 'deployment' });
    expect((await policyOf(UUID))['view_only']).toEqual({ value: true, from: 'metadata' });
  });
});
