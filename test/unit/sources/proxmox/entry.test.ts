// SPDX-License-Identifier: Apache-2.0
// A proxmox entry of sources.yaml: what is taken, what each fault says, and the login that becomes of it.
import { describe, expect, it } from '@jest/globals';
import { proxmoxLogin } from '../../../../src/sources/proxmox/entry.js';
import { parseSources } from '../../../../src/sources/file/sources-file.js';

const GOOD = {
  source: 'pve',
  type: 'proxmox',
  url: 'https://pve1.example.com:8006',
  token_id: 'kerbside@pve!consoles',
  token_secret: '11111111-2222-3333-4444-555555555555',
};

const read = (change: Record<string, string | null> = {}) => {
  const all: Record<string, string | null> = { ...GOOD, ...change };
  const lines = Object.entries(all).filter(([, value]) => value !== null);
  const text = lines
    .map(([key, value], index) => `${index === 0 ? '-' : ' '} ${key}: ${value ?? ''}`)
    .join('\n');
  const { entries, warnings } = parseSources(text);
  const [entry] = entries;
  if (entry === undefined) throw new Error('no entry');
  return { ...entry, warnings };
};

describe('a proxmox entry', () => {
  it('becomes a login with an API token, whose secret is kept where it is encrypted', () => {
    const { definition, faults, warnings } = read();
    expect([faults, warnings]).toEqual([[], []]);
    expect(definition).toMatchObject({ username: GOOD.token_id, password: GOOD.token_secret, options: {} });
    expect(proxmoxLogin(definition)).toEqual({
      origins: [GOOD.url],
      authorization: `PVEAPIToken=${GOOD.token_id}=${GOOD.token_secret}`,
      tls: {},
    });
  });

  it.each([
    ['a list', '[https://pve1:8006, "https://pve2:8006/"]'],
    ['a text', '"https://pve1:8006, https://pve2:8006"'],
    ['a text with spaces', 'https://pve1:8006  https://pve2:8006'],
  ])('may have several URLs: %s', (_what, url) => {
    const { definition, faults } = read({ url });
    expect(faults).toEqual([]);
    expect(proxmoxLogin(definition).origins).toEqual(['https://pve1:8006', 'https://pve2:8006']);
  });

  it('says whose certificate is good', () => {
    const tls = (verify: string, caCert: string | null = null) =>
      proxmoxLogin({ ...read({ verify }).definition, caCert }).tls;
    expect(tls('off')).toEqual({ insecure: true });
    expect(tls('/etc/ca.pem')).toEqual({ cafile: '/etc/ca.pem', cafileFrom: 'source "pve", verify' });
    expect(tls('yes', 'THE CA')).toEqual({ ca: expect.stringMatching(/^THE CA\n-----BEGIN CERTIFICATE/) });
  });

  it.each([
    ['url', null, 'is missing; give the URL of the API'],
    ['url', '[]', 'is missing; give the URL of the API'],
    ['url', 'pve1:8006', 'is not the URL of an API'],
    ['url', 'https://pve1:8006/api2/json', 'is not the URL of an API'],
    ['url', '[https://pve1:8006, ftp://pve2]', '"ftp://pve2" is not the URL of an API'],
    ['token_id', null, 'is missing; give the id of an API token'],
    ['token_id', 'kerbside@pve', 'is not the id of an API token; give USER@REALM!NAME'],
    ['token_id', 'kerb=side@pve!a', 'is not the id of an API token'],
    ['token_secret', null, 'is missing; give what'],
    ['token_secret', '"hush hush"', 'holds something else'],
    ['token_secret', 'x'.repeat(256), 'is 256 bytes long'],
  ])('has a fault in %s = %s', (key, value, fault) => {
    const { faults } = read({ [key]: value });
    expect(faults.join()).toContain(`, ${key}: `);
    expect(faults.join()).toContain(fault);
    expect(faults.join()).not.toContain('hush');
  });

  it('takes no login of another kind', () => {
    expect(read({ username: 'root', password: 'hush' }).definition.username).toBe(GOOD.token_id);
  });
});
