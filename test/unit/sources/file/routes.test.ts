// SPDX-License-Identifier: Apache-2.0
// The ways to a console in sources.yaml: what is taken, and what each fault says.
import { describe, expect, it } from '@jest/globals';
import { parseSources } from '../../../../src/sources/file/sources-file.js';
import { aConsole, staticSource } from './sources-yaml.js';

const NO_ADDRESS = { hypervisor: null, hypervisor_ip: null, insecure_port: null, secure_port: null };

const read = (fields: Record<string, string | null>) => {
  const [entry] = parseSources(staticSource(aConsole(fields))).entries;
  return { console: entry?.listed.consoles[0], faults: entry?.consoleFaults ?? [] };
};

describe('the way to a console', () => {
  it('may lead through an HTTP proxy', () => {
    expect(read({ connect_proxy: 'HTTP://proxy.example.com:3128/' }).console).toMatchObject({
      connectProxy: 'http://proxy.example.com:3128',
      hypervisor: 'hv1.example.com',
    });
    expect(read({ connect_proxy: '"http://[2001:db8::1]"' }).console?.connectProxy).toBe(
      'http://[2001:db8::1]:80',
    );
  });

  it('may be a unix socket, which needs no address', () => {
    const { console, faults } = read({ ...NO_ADDRESS, unix_socket: '/run/guests/a b.sock' });
    expect(faults).toEqual([]);
    expect(console).toMatchObject({ unixSocket: '/run/guests/a b.sock', hypervisor: '', insecurePort: null });
  });

  it('is no part of a console that has a port alone', () => {
    expect(Object.keys(read({}).console ?? {})).not.toContain('connectProxy');
  });

  it.each<[string, Record<string, string | null>, string]>([
    [
      'a proxy with a password',
      { connect_proxy: 'http://ann:hush@proxy:3128' },
      'give http://host:port and nothing else',
    ],
    ['a proxy of TLS', { connect_proxy: 'https://proxy:3128' }, 'give http://host:port and nothing else'],
    ['no URL', { connect_proxy: 'proxy:3128' }, 'give http://host:port and nothing else'],
    ['a relative path', { ...NO_ADDRESS, unix_socket: 'run/x.sock' }, 'begin it with "/"'],
    ['a long path', { ...NO_ADDRESS, unix_socket: `/${'x'.repeat(107)}` }, 'is longer than 107 characters'],
    [
      'a path of many bytes',
      { ...NO_ADDRESS, unix_socket: `/${'\u00e9'.repeat(60)}` },
      'is longer than the 107 bytes',
    ],
    [
      'a port too',
      { unix_socket: '/run/x.sock', secure_port: null },
      'insecure_port: is given beside unix_socket',
    ],
    [
      'both ways',
      { ...NO_ADDRESS, unix_socket: '/run/x.sock', connect_proxy: 'http://p:1' },
      'connect_proxy: is given beside',
    ],
    [
      'a proxy and no port',
      { connect_proxy: 'http://p:1', insecure_port: null, secure_port: null },
      'insecure_port: is missing',
    ],
  ])('has a fault with %s', (_what, fields, fault) => {
    const { console, faults } = read(fields);
    expect(console).toBeUndefined();
    expect(faults.join()).toContain(fault);
    expect(faults.join()).not.toContain('hush');
  });
});
