// SPDX-License-Identifier: Apache-2.0
// An authority of our own and the certificates that it issues.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { subjectMatches } from '../../../src/tls/host-subject.js';
import { belongTogether, isCertificateName, issueServer, makeAuthority } from '../../../src/tls/issue.js';
import type { Issued, KeyType } from '../../../src/tls/issue.js';

const folder = mkdtempSync(join(tmpdir(), 'kerbside-issue-'));
afterAll(() => rmSync(folder, { recursive: true }));

const DAY_MS = 86_400_000;
let authority: Issued;
beforeAll(async () => {
  authority = await makeAuthority(folder, 'O=Lab,CN=Lab CA', 100);
});

function serve(subject: string, keyType: KeyType = 'ecdsa', names = ['a.example']): Promise<Issued> {
  return issueServer(folder, authority, { keyType, subject, names, days: 30 });
}

describe('an authority', () => {
  it('signs itself with an RSA key, which every client can check, and may sign certificates of servers', () => {
    const certificate = new X509Certificate(authority.cert);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyType).toBe('rsa');
    expect(subjectMatches('O=Lab,CN=Lab CA', certificate)).toBe(true);
    expect(Math.round((Date.parse(certificate.validTo) - Date.now()) / DAY_MS)).toBe(100);
    expect(belongTogether(authority)).toBe(true);
  });
});

describe('a certificate of a server', () => {
  it.each([
    ['ecdsa', 'ec'],
    ['rsa', 'rsa'],
  ] as const)('has an %s key, its names, and the signature of the authority', async (keyType, nodeType) => {
    const names = ['kerbside.example.com', '*.lab.example', '192.0.2.7', '2001:db8::7'];
    const issued = await serve('C=DE,O=Lab,CN=kerbside.example.com', keyType, names);
    const certificate = new X509Certificate(issued.cert);
    const ca = new X509Certificate(authority.cert);
    expect(certificate.publicKey.asymmetricKeyType).toBe(nodeType);
    expect([certificate.ca, certificate.checkIssued(ca), certificate.verify(ca.publicKey)]).toEqual([
      false,
      true,
      true,
    ]);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect([
      certificate.checkHost('kerbside.example.com'),
      certificate.checkHost('x.lab.example'),
    ]).not.toContain(undefined);
    expect([certificate.checkIP('192.0.2.7'), certificate.checkIP('2001:db8::7')]).not.toContain(undefined);
    expect([certificate.checkHost('other.example.com'), certificate.checkIP('192.0.2.8')]).toEqual([
      undefined,
      undefined,
    ]);
    expect(belongTogether(issued)).toBe(true);
    expect(belongTogether({ ...issued, key: authority.key })).toBe(false);
  });

  it.each([
    'CN=only',
    'CN=host,O=Lab,C=DE',
    'O=Lab\\, Inc. \\\\ Sons/Daughters + 1,CN=host',
    'O=Bücherei Köln,OU=Räume,CN=host',
    'O=#1 "quoted" <x>; y=z,CN=host',
    'DC=example,DC=lab,CN=host,emailAddress=a@example.com',
    'commonName=host,2.5.4.10=Lab,2.5.4.97=NTRDE-1',
  ])('has the subject %j as clients compare it, the parts in their order', async (subject) => {
    expect(subjectMatches(subject, new X509Certificate((await serve(subject)).cert))).toBe(true);
  });

  it.each(['', 'host', 'CN=', 'O=Lab,CN', 'O=Lab\\x,CN=host'])('refuses the subject %j', async (subject) => {
    await expect(serve(subject)).rejects.toThrow(`"${subject}" is not a subject; write it as O=Example`);
  });

  it('refuses an attribute that openssl does not know, rather than leave it out', async () => {
    await expect(serve('favouriteColour=red,CN=host')).rejects.toThrow('openssl');
  });
});

describe('isCertificateName', () => {
  it.each(['host', 'a.example.com', '*.example.com', 'a_b.example', '192.0.2.1', '2001:db8::1'])(
    'takes %j',
    (name) => expect(isCertificateName(name)).toBe(true),
  );

  it.each(['', 'a b', 'a,DNS:b', 'a.', '-a', 'https://a', 'a:1', 'a\nb', '*', 'x'.repeat(254)])(
    'refuses %j',
    (name) => expect(isCertificateName(name)).toBe(false),
  );
});
