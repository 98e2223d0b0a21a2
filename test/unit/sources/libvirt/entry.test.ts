// SPDX-License-Identifier: Apache-2.0
// A libvirt entry of sources.yaml: what is taken, what each fault says, and the login that becomes of it.
import { describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { libvirtLogin } from '../../../../src/sources/libvirt/entry.js';
import { parseSources } from '../../../../src/sources/file/sources-file.js';

const SSH = {
  uri: 'qemu+ssh://kerbside@kvm1.example.com/system',
  keyfile: '/etc/kerbside/ssh/id_ed25519',
  known_hosts: '/etc/kerbside/ssh/known_hosts',
};

const read = (keys: Record<string, unknown>) => {
  const { entries, warnings } = parseSources(stringify([{ source: 'kvm1', type: 'libvirt', ...keys }]));
  const [entry] = entries;
  if (entry === undefined) throw new Error('no entry');
  return { ...entry, warnings };
};
const faultOf = (keys: Record<string, unknown>): string => read(keys).faults.join('\n');

describe('a libvirt entry', () => {
  it('becomes a login by ssh, whose files are named and not read', () => {
    const { definition, faults, warnings } = read({ ...SSH, password: 'pw' });
    expect([faults, warnings]).toEqual([[], []]);
    expect(definition).toMatchObject({ url: SSH.uri, password: 'pw' });
    const { keyfile, known_hosts: knownHosts } = SSH;
    expect(libvirtLogin(definition)).toMatchObject({
      endpoint: { way: { kind: 'ssh', socket: null }, driver: 'qemu:///system', readOnly: false },
      ssh: { host: 'kvm1.example.com', port: 22, username: 'kerbside', keyfile, knownHosts },
      password: 'pw',
    });
  });

  it.each([
    ['qemu:///system', { way: { kind: 'unix', socket: null }, readOnly: false }],
    ['qemu:///system?mode=ro', { way: { kind: 'unix', socket: null }, readOnly: true }],
    ['qemu+unix:///system?socket=/run/a', { way: { kind: 'unix', socket: '/run/a' } }],
    ['qemu+unix:///session?socket=/run/a', { driver: 'qemu:///session' }],
    ['qemu+tls://kvm1/system', { way: { kind: 'tls', host: 'kvm1', port: 16_514 } }],
    ['qemu://kvm1/system', { way: { kind: 'tls', host: 'kvm1', port: 16_514 } }],
    ['qemu+tls://[2001:db8::1]:1/system', { way: { kind: 'tls', host: '2001:db8::1', port: 1 } }],
  ])('takes %s', (uri, endpoint) => {
    const { definition, faults } = read({ uri });
    expect(faults).toEqual([]);
    expect(libvirtLogin(definition)).toMatchObject({ endpoint, ssh: null });
  });

  it('looks for certificates where libvirt has them, unless they are named', () => {
    const tls = (keys: object) =>
      libvirtLogin(read({ uri: 'qemu+tls://kvm1/system', ...keys }).definition).tls;
    expect(tls({})).toEqual({
      cert: '/etc/pki/libvirt/clientcert.pem',
      key: '/etc/pki/libvirt/private/clientkey.pem',
      ca: '/etc/pki/CA/cacert.pem',
    });
    expect(tls({ client_cert: '/a', client_key: '/b', verify: '/c' })).toEqual({
      cert: '/a',
      key: '/b',
      ca: '/c',
    });
    expect(tls({ verify: false })).toMatchObject({ ca: null });
  });

  it.each([
    [{}, 'uri: is missing'],
    [{ uri: 'xen:///system' }, 'is not one of qemu, qemu+unix, qemu+tls or qemu+ssh'],
    [{ uri: 'nonsense' }, 'is not a URI'],
    [{ uri: 'qemu:///' }, 'ends in neither /system nor /session'],
    [{ uri: 'qemu:///session' }, 'say whose, by socket='],
    [{ uri: 'qemu:///system?pkipath=/x' }, 'has the parameter "pkipath"'],
    [{ uri: 'qemu:///system?mode=rw' }, 'has another mode than ro'],
    [{ uri: 'qemu+unix:///system?socket=a' }, 'no absolute path'],
    [{ uri: 'qemu+unix://host/system' }, 'names a host beside a unix socket'],
    [{ uri: 'qemu+tls:///system' }, 'names no host'],
    [{ uri: 'qemu+tls://u@kvm1/system' }, 'names a user, which TLS has none of'],
    [{ ...SSH, uri: 'qemu+ssh://kvm1/system' }, 'names no user of the host'],
    [{ ...SSH, uri: 'qemu+ssh://a:b@kvm1/system' }, 'holds a password'],
    [{ uri: SSH.uri }, 'keyfile: is missing'],
    [{ uri: SSH.uri }, 'known_hosts: is missing'],
    [{ ...SSH, keyfile: 'id' }, 'keyfile: "id" is not an absolute path'],
    [{ ...SSH, url: 'https://kvm1' }, 'url: is not a key of libvirt'],
    [{ ...SSH, username: 'root' }, 'username: is not a key of libvirt'],
    [{ ...SSH, password: 'x'.repeat(60) }, 'a SPICE password may have at most 59 bytes'],
  ])('says what is wrong with %j', (keys, fault) => {
    expect(faultOf(keys)).toContain(fault);
    expect(faultOf(keys)).not.toContain('a:b@');
  });

  it('is judged again when it comes out of the database', () => {
    const definition = { name: 'kvm1', type: 'libvirt', url: SSH.uri };
    expect(() => libvirtLogin(definition)).toThrow('source "kvm1" lacks keyfile or known_hosts');
    expect(() => libvirtLogin({ ...definition, url: null })).toThrow('source "kvm1", uri: is not a URI');
  });
});
