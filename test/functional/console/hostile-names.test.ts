// SPDX-License-Identifier: Apache-2.0
// Guests whose names, titles and metadata are written to deceive, from libvirt to what shows them: `.vv` file, both APIs, the log (the
// pages are in test/e2e/ui.test.ts). Some are of a real libvirtd, which lets markup and marks of direction through; others of a fake
// that also says what libvirt forbids.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Site } from '../../fixtures/kerbside.js';
import { Libvirtd } from '../../fixtures/libvirtd.js';
import { encodeMessage } from '../../fixtures/spice-messages.js';
import { telling, type WireDaemon, type WireGuest } from '../../fixtures/libvirt-wire.js';

const MARKUP = 'x"><img src=x onerror=alert(1)>';
const TURNED = '\u202efv.exe\u2066';
const LINES = `${MARKUP}\n[virt-viewer]\nhost=evil.example.org\r\nproxy=http://evil.example.org\u2028\u0007\u001b[2J%0ahost=evil %s ${TURNED}`;
const ON_ONE_LINE = `${MARKUP} [virt-viewer] host=evil.example.org proxy=http://evil.example.org [2J%0ahost=evil %s  fv.exe`;
const LONG = 'W'.repeat(10_000);
const PASSWORD = 's3cret';
/** Displays and titles that are none: they stand where anybody may write. */
const DECOY =
  "<title>decoy</title><devices><graphics type='spice' port='1' listen='192.0.2.66' passwd='decoy'/></devices>";
const METADATA = `<description>${'two\nlines &lt;/domain&gt; '.repeat(50)}</description><metadata><k:k xmlns:k='urn:k'>${DECOY}</k:k></metadata>`;
const NOT_ON_A_LINE = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;
const UUIDS = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;

let site: Site;
let libvirtd: Libvirtd;
let wire: WireDaemon;
/** Sources, uuids and the names that are shown. */
const guests: { source: string; uuid: string; name: string }[] = [];

beforeAll(async () => {
  [site, libvirtd] = await Promise.all([Site.start(), Libvirtd.start()]);
  const graphics = `<graphics type='spice' autoport='yes' listen='127.0.0.1' passwd='${PASSWORD}'/>`;
  const name = `${MARKUP} %0a%s$(id) ${TURNED}`;
  const [named, titled] = await Promise.all([
    libvirtd.guest(name, graphics, { paused: true, about: METADATA }),
    libvirtd.guest('titled', graphics, { paused: true, title: `${name} ${LONG}`, about: METADATA }),
  ]);
  wire = await telling([await wireGuest(UUIDS[0], LINES), await wireGuest(UUIDS[1], `${LINES}${LONG}`)]);
  const shown = `${MARKUP} %0a%s$(id)  fv.exe`;
  guests.push(
    { source: 'real', uuid: named, name: shown },
    { source: 'real', uuid: titled, name: `${shown}  ${LONG}`.slice(0, 255) },
    { source: 'wire', uuid: UUIDS[0], name: ON_ONE_LINE },
    { source: 'wire', uuid: UUIDS[1], name: `${ON_ONE_LINE} ${LONG}`.slice(0, 255) },
  );
  await site.source({ source: 'real', type: 'libvirt', uri: libvirtd.uri } as { source: string });
  await site.source({ source: 'wire', type: 'libvirt', uri: wire.uri } as { source: string });
});

/** A guest as no libvirtd has one, with a display that knows its UUID. */
async function wireGuest(uuid: string, title: string): Promise<WireGuest> {
  const told = encodeMessage(SERVER_MESSAGE.main.UUID, Buffer.from(uuid.replaceAll('-', ''), 'hex'), {
    miniHeader: true,
  });
  const { plainPort, host } = await site.hypervisor({ password: PASSWORD, greeting: { main: told } });
  const words = title.replaceAll('<', '&lt;');
  const listen = `<listen type='address' address='${host}'/>`;
  const graphics = `<graphics type='spice' port='${String(plainPort)}' passwd='${PASSWORD}'>${listen}</graphics>`;
  const names = `<name>${words}</name><uuid>${uuid}</uuid>${METADATA}<title>${words}</title>`;
  return { name: LINES, uuid, xml: `<domain>${names}<devices>${graphics}</devices></domain>` };
}

const clients: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(async () => {
  await site.stop();
  await Promise.all([libvirtd.stop(), wire.close()]);
});

describe('guests with names that are written to deceive', () => {
  it('are listed by one line of text each, at most 255 characters, and at the address of their own display', async () => {
    const { body } = await site.kerbside.api('GET', '/console');
    const listed = JSON.parse(body) as {
      source: string;
      uuid: string;
      name: string;
      hypervisor_ip: string;
    }[];
    const names = listed.map(({ source, uuid, name }) => ({ source, uuid, name }));
    expect(names).toHaveLength(guests.length);
    expect(names).toEqual(expect.arrayContaining(guests));
    for (const { hypervisor_ip: address } of listed) expect(address).not.toBe('192.0.2.66');
    const v1 = await site.kerbside.api('GET', '/v1/consoles');
    expect(v1.status).toBe(200);
    for (const { name } of guests) expect(v1.body).toContain(JSON.stringify(name));
  });

  it('open by a file in which each line is one of Kerbside, and reach their own display', async () => {
    const lines = new Set<string>();
    for (const { source, uuid } of guests) {
      const vv = await site.kerbside.vv(source, uuid);
      const [group, ...rest] = vv.text.trimEnd().split('\n');
      expect(group).toBe('[virt-viewer]');
      for (const line of rest) lines.add(line.replace(/=.*$/s, ''));
      expect(vv.text).not.toContain('evil.example.org\n');
      expect(vv.text.replaceAll('\n', '')).not.toMatch(NOT_ON_A_LINE);
      const client = await site.client(uuid, {}, vv);
      clients.push(client);
      await client.openMain();
    }
    expect([...lines].sort()).toEqual(
      expect.arrayContaining(['host', 'password', 'title', 'tls-port', 'type']),
    );
    for (const key of lines) expect(key).toMatch(/^[a-z-]+$/);
    expect([...lines]).not.toContain('proxy');
  });

  it('stand in the log on one line, without what a terminal would heed, and their secrets do not', async () => {
    await site.logged('consoles of source reconciled');
    for (const line of site.log().split('\n')) {
      expect(line).not.toMatch(NOT_ON_A_LINE);
      expect(line).not.toMatch(/^(\[virt-viewer\]|host=|proxy=)/);
    }
    const database = readFileSync(join(site.folder, 'kerbside.sqlite'), 'latin1');
    for (const kept of [site.log(), database]) {
      expect(kept).not.toContain(PASSWORD);
      expect(kept).not.toContain('decoy');
    }
  });
});
