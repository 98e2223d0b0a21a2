// SPDX-License-Identifier: Apache-2.0
// Which certificates name a host: by Node for host names, by OpenSSL for addresses.
import { X509Certificate } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serverNameFault, spiceServerNameFault } from '../../../src/tls/server-name.js';
import { makeCertificates, type Certificates } from '../../fixtures/certificates.js';

let made: Certificates;
beforeAll(() => {
  made = makeCertificates();
});
afterAll(() => made.remove());

/** A certificate as Node gives it to checkServerIdentity. */
function issued(subject: string, names: string[]): PeerCertificate {
  return new X509Certificate(made.authority.issue({ subject, names }).cert).toLegacyObject();
}

describe('a certificate', () => {
  it.each([
    ['::1', 'IP:::1'],
    ['0:0:0:0:0:0:0:1', 'IP:::1'],
    ['2001:db8::7', 'IP:2001:DB8:0:0::7'],
    ['192.0.2.7', 'IP:192.0.2.7'],
    ['hv1.example', 'DNS:hv1.example'],
    ['hv1.lab.example', 'DNS:*.lab.example'],
  ])('names %s by %s', (host, name) => {
    const certificate = issued('O=Lab,CN=any', ['DNS:other', name]);
    expect(serverNameFault(host, certificate)).toBeUndefined();
    expect(spiceServerNameFault(host, certificate)).toBeUndefined();
  });

  it.each([
    ['::2', ['IP:::1']],
    ['192.0.2.8', ['IP:192.0.2.7']],
    ['192.0.2.7', ['DNS:192.0.2.7']],
    ['hv2.example', ['DNS:hv1.example']],
  ])('does not name %s by %j', (host, names) => {
    const certificate = issued(`O=Lab,CN=${host}`, names);
    expect(serverNameFault(host, certificate)).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(spiceServerNameFault(host, certificate)).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it.each(['192.0.2.7', '2001:db8::7'])(
    'of a hypervisor without alternative names may be for CN=%s',
    (host) => {
      const certificate = issued(`O=Lab,CN=${host}`, []);
      expect(spiceServerNameFault(host, certificate)).toBeUndefined();
      expect(serverNameFault(host, certificate)).toBeInstanceOf(Error);
      expect(spiceServerNameFault('192.0.2.8', certificate)).toBeInstanceOf(Error);
    },
  );
});
