// SPDX-License-Identifier: Apache-2.0
// Certificates as operators have them, right and wrong: what is refused and with which remedy, what is merely odd.
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  browserCertificates,
  inspectCertificates,
  spiceCertificates,
  type CertificateSettings,
} from '../../../src/tls/inspection.js';
import { Authority, EXPIRED, FUTURE, PROXY_SUBJECT, type KeyPair } from '../../fixtures/certificates.js';

// Programs are run: only a hang ends here.
jest.setTimeout(120_000);

let folder = '';
let root: Authority;
let intermediate: Authority;
/** Of the root; of the intermediate. */
let plain: KeyPair;
let below: KeyPair;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kerbside-inspection-'));
  root = new Authority(folder, 'root');
  intermediate = new Authority(folder, 'middle', { parent: root });
  plain = root.issue();
  below = intermediate.issue();
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(...texts: string[]): string {
  files += 1;
  const path = join(folder, `written-${files}.pem`);
  writeFileSync(path, texts.join(''));
  return path;
}

interface Given {
  readonly pairs?: readonly Pick<KeyPair, 'certPath' | 'keyPath'>[];
  readonly cacertPath?: string;
  readonly hostSubject?: string;
  readonly publicFqdn?: string;
}

function settings(given: Given = {}): CertificateSettings {
  const pairs = given.pairs ?? [plain];
  return spiceCertificates({
    certPath: pairs.map(({ certPath }) => certPath),
    keyPath: pairs.map(({ keyPath }) => keyPath),
    cacertPath: given.cacertPath ?? root.caPath,
    hostSubject: given.hostSubject ?? PROXY_SUBJECT,
    publicFqdn: given.publicFqdn ?? 'kerbside.example.org',
  });
}

async function told(given: Given): Promise<{ faults: string[]; warnings: readonly string[] }> {
  const { faults, warnings } = await inspectCertificates(settings(given));
  return { faults: faults.map(({ message }) => message), warnings };
}

/** The pair with another certificate file. */
function withFile(pair: KeyPair, ...texts: string[]): Pick<KeyPair, 'certPath' | 'keyPath'> {
  return { certPath: file(...texts), keyPath: pair.keyPath };
}

describe('certificates that clients can verify', () => {
  const other = (): Authority => new Authority(folder, 'other');

  it.each<[string, () => Given]>([
    ['one of the root', () => ({})],
    ['an ECDSA and an RSA one', () => ({ pairs: [plain, root.issue({ type: 'rsa' })] })],
    [
      'an intermediate behind the certificate',
      () => ({ pairs: [withFile(below, below.cert, intermediate.ca)] }),
    ],
    [
      'the whole chain, the root too',
      () => ({ pairs: [withFile(below, below.cert, intermediate.ca, root.ca)] }),
    ],
    ['the key in the file of the certificate', () => ({ pairs: [withFile(plain, plain.cert, plain.key)] })],
    [
      'an intermediate in the CA file',
      () => ({ pairs: [below], cacertPath: file(intermediate.ca, root.ca) }),
    ],
    ['several CAs, of which one is it', () => ({ cacertPath: file(other().ca, root.ca) })],
    ['a text around the PEM blocks', () => ({ cacertPath: file('the root:\n', root.ca, '# end\n') })],
    [
      'a CA that is cross-signed, for clients that know the older root',
      () => {
        const older = other();
        return { pairs: [withFile(plain, plain.cert, older.crossSign(root))], cacertPath: older.caPath };
      },
    ],
    [
      'the same, for clients that know the newer one',
      () => ({ pairs: [withFile(plain, plain.cert, other().crossSign(root))] }),
    ],
    [
      'a CA of another name in the file beside the older one, whose time is up',
      () => {
        const gone = new Authority(folder, 'gone', { dates: EXPIRED });
        return { cacertPath: file(gone.ca, root.ca) };
      },
    ],
    ['a host that is named, without a subject', () => ({ hostSubject: '', publicFqdn: 'localhost' })],
    ['an address that is named, without a subject', () => ({ hostSubject: '', publicFqdn: '::1' })],
    [
      'an address as common name, without a subject',
      () => ({
        pairs: [root.issue({ subject: 'CN=192.0.2.7', names: [] })],
        hostSubject: '',
        publicFqdn: '192.0.2.7',
      }),
    ],
    [
      'a subject with blanks that do not count',
      () => ({ hostSubject: 'C=us, O=shaken  fist, CN=Kerbside Proxy' }),
    ],
    ['a certificate that is its own CA', () => ({ pairs: [asOwnCa()], cacertPath: asOwnCa().certPath })],
  ])('are taken: %s', async (_what, given) => {
    expect(await told(given())).toEqual({ faults: [], warnings: [] });
  });

  let own: Authority | undefined;
  function asOwnCa(): Pick<KeyPair, 'certPath' | 'keyPath'> {
    own ??= new Authority(folder, 'own', {
      subject: PROXY_SUBJECT,
      keyUsage: 'digitalSignature,keyCertSign',
    });
    return { certPath: own.caPath, keyPath: own.keyPath };
  }
});

describe('certificates that no client could verify', () => {
  it.each<[string, () => Given, RegExp[]]>([
    [
      'a CA that did not sign them',
      () => ({ cacertPath: new Authority(folder, 'stranger').caPath }),
      [
        /^\[spice\] cert_path: the certificate "C=US,O=Shaken Fist,CN=Kerbside Proxy" of \/.*root-\d+\.pem is signed by "O=Lab,CN=root CA", which is neither behind it in that file nor in cacert_path \(.*stranger-ca\.pem, which has "O=Lab,CN=stranger CA"\); .* or name the file of the CA in cacert_path$/,
      ],
    ],
    [
      'a CA of the same name with another key',
      () => ({ cacertPath: new Authority(folder, 'renewed', { subject: 'O=Lab,CN=root CA' }).caPath }),
      [
        /^\[spice\] cacert_path: .* has a CA of the name "O=Lab,CN=root CA", but it did not sign .*: its key is another one; /,
      ],
    ],
    [
      'no intermediate',
      () => ({ pairs: [below] }),
      [
        /is signed by "O=Lab,CN=middle CA", .*; append the certificate of that CA to the file of cert_path if it is an intermediate/,
      ],
    ],
    [
      'an intermediate without the root in the CA file',
      () => ({ pairs: [below], cacertPath: intermediate.caPath }),
      [
        /^\[spice\] cacert_path: .* has the intermediate "O=Lab,CN=middle CA", but not "O=Lab,CN=root CA" above it/,
      ],
    ],
    [
      'a chain to another root',
      () => ({
        pairs: [withFile(below, below.cert, intermediate.ca, root.ca)],
        cacertPath: new Authority(folder, 'foreign').caPath,
      }),
      [
        /^\[spice\] cacert_path: the chain of .* ends at "O=Lab,CN=root CA", and cacert_path .* has "O=Lab,CN=foreign CA"/,
      ],
    ],
    [
      'a signature of their own that nobody trusts',
      () => {
        const { caPath, keyPath } = new Authority(folder, 'lonely', { subject: PROXY_SUBJECT });
        return { pairs: [{ certPath: caPath, keyPath }] };
      },
      [
        /^\[spice\] cacert_path: the certificate of .* is signed by itself, and cacert_path .* does not have it/,
      ],
    ],
    [
      'a time that is up',
      () => ({ pairs: [root.issue({ dates: EXPIRED })] }),
      [
        /^\[spice\] cert_path: the certificate "C=US,.*" of .* expired on Jan {2}1 00:00:00 2021 GMT; renew it$/,
      ],
    ],
    [
      'a time that is to come',
      () => ({ pairs: [root.issue({ dates: FUTURE })] }),
      [/^\[spice\] cert_path: .* is valid from Jan {2}1 00:00:00 2090 GMT on, and it is .*; set the clock/],
    ],
    [
      'a CA whose time is up',
      () => {
        const old = new Authority(folder, 'old', { dates: EXPIRED });
        return { pairs: [old.issue()], cacertPath: old.caPath };
      },
      [/^\[spice\] cacert_path: the certificate "O=Lab,CN=old CA" of .*old-ca\.pem expired on/],
    ],
    [
      'another purpose',
      () => ({ pairs: [root.issue({ usage: 'clientAuth' })] }),
      [
        /^\[spice\] cert_path: clients refuse .*\(INVALID_PURPOSE\); have it issued for servers \(extended key usage serverAuth\)/,
      ],
    ],
    [
      'a CA that is not for signing',
      () => {
        const misfit = new Authority(folder, 'misfit', { keyUsage: 'digitalSignature' });
        return { pairs: [misfit.issue()], cacertPath: misfit.caPath };
      },
      [/^\[spice\] cert_path: clients refuse the certificate of .*misfit-1\.pem: /],
    ],
    [
      'a name that the CA may not vouch for',
      () => {
        const bound = new Authority(folder, 'bound', {
          parent: root,
          extensions: ['nameConstraints=critical,permitted;DNS:example.net'],
        });
        const pair = bound.issue({ names: ['DNS:kerbside.example.org'] });
        return { pairs: [withFile(pair, pair.cert, bound.ca)] };
      },
      [
        /^\[spice\] cert_path: clients refuse .*: permitted subtree violation; have another certificate issued$/,
      ],
    ],
    [
      'one of two intermediates only',
      () => {
        const last = new Authority(folder, 'last', {
          parent: new Authority(folder, 'short', { parent: root }),
        });
        const pair = last.issue();
        return { pairs: [withFile(pair, pair.cert, last.ca)] };
      },
      [/"O=Lab,CN=last CA" of .* is signed by "O=Lab,CN=short CA"/],
    ],
    [
      'another subject',
      () => ({ hostSubject: 'O=Lab,CN=elsewhere' }),
      [
        /^\[spice\] host_subject: clients demand "O=Lab,CN=elsewhere", and the certificate of .* has the subject "C=US,O=Shaken Fist,CN=Kerbside Proxy"; set it to "C=US,O=Shaken Fist,CN=Kerbside Proxy", or leave it empty/,
      ],
    ],
    [
      'the parts of the subject in another order',
      () => ({ hostSubject: 'CN=Kerbside Proxy,O=Shaken Fist,C=US' }),
      [/has the subject "C=US,O=Shaken Fist,CN=Kerbside Proxy", whose parts are in another order; set it to/],
    ],
    [
      'a blank in front of an equals sign',
      () => ({ hostSubject: 'C =US,O=Shaken Fist,CN=Kerbside Proxy' }),
      [/^\[spice\] host_subject: clients demand "C =US,/],
    ],
    [
      'a subject in the form of OpenSSL',
      () => ({ hostSubject: '/C=US/O=Shaken Fist/CN=Kerbside Proxy' }),
      [/\[spice\] host_subject: clients demand "\/C=US/],
    ],
    [
      'two subjects',
      () => ({ pairs: [plain, root.issue({ type: 'rsa', subject: 'O=Lab,CN=rsa' })] }),
      [/has the subject "O=Lab,CN=rsa"; have all certificates of cert_path issued with one subject$/],
    ],
    [
      'another name, and no subject to compare',
      () => ({ hostSubject: '' }),
      [
        /^\[spice\] public_fqdn: clients demand the name kerbside\.example\.org, and the certificate of .* has DNS:localhost, IP Address:127\.0\.0\.1, .*; set it to a name of the certificate, have one issued for it, or host_subject to "C=US,/,
      ],
    ],
    [
      'the intermediate first',
      () => ({ pairs: [withFile(below, intermediate.ca, below.cert)] }),
      [
        /^\[spice\] cert_path: the file .* has the server's own certificate as number 2, behind an intermediate; put the certificate that the key belongs to first/,
      ],
    ],
    [
      'a file of the CA that is none',
      () => ({ cacertPath: file('hello\n') }),
      [/^\[spice\] cacert_path: the file .* holds no PEM certificate; name a PEM file/],
    ],
    [
      'a file of the CA with a block that is none',
      () => ({ cacertPath: file(root.ca, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n') }),
      [/^\[spice\] cacert_path: the file .* has a certificate that cannot be read, number 2 of it/],
    ],
    [
      'many faults at once',
      () => ({
        pairs: [below, { certPath: '/absent/cert.pem', keyPath: '/absent/key.pem' }],
        hostSubject: 'O=Lab,CN=elsewhere',
      }),
      [
        /^\[spice\] cert_path: the file \/absent\/cert\.pem does not exist; create it or name another one$/,
        /^\[spice\] key_path: the file \/absent\/key\.pem does not exist/,
        /is signed by "O=Lab,CN=middle CA"/,
        /^\[spice\] host_subject: /,
      ],
    ],
  ])('are refused: %s', async (_what, given, expected) => {
    const { faults } = await told(given());
    expect(faults).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
    for (const fault of faults) expect(fault).not.toContain('\n');
  });
});

describe('certificates of which not all is known', () => {
  it('are taken without a CA file on this machine, with a warning', async () => {
    const { faults, warnings } = await told({ cacertPath: '/absent/ca.pem' });
    expect([faults, warnings]).toEqual([[], [expect.stringContaining('/absent/ca.pem does not exist')]]);
  });

  it('are taken when clients go by their own authorities, with a warning when those of Node do not know them', async () => {
    const { faults, warnings } = await told({ cacertPath: '' });
    expect([faults, warnings]).toEqual([
      [],
      [expect.stringMatching(/^no public CA vouches for .*\(.*UNABLE_TO_/)],
    ]);
  });

  it.each(['', '/absent/ca.pem'])(
    'are refused when their time is up all the same, with CA file "%s"',
    async (path) => {
      const { faults } = await told({ cacertPath: path, pairs: [root.issue({ dates: EXPIRED })] });
      expect(faults).toEqual([expect.stringContaining('expired on')]);
    },
  );

  it('are taken with keys that most clients find too short, with a warning', async () => {
    const { faults, warnings } = await told({ pairs: [root.issue({ type: 'weak' })] });
    // A newer OpenSSL does not serve with it in the first place.
    if (faults.length > 0) expect(faults).toEqual([expect.stringContaining('key too small')]);
    else expect(warnings).toEqual([expect.stringContaining('clients of most distributions refuse')]);
  });
});

describe('certificates for browsers', () => {
  it('are those of an authority that Kerbside need not know, and of any name', async () => {
    const { certPath, keyPath } = root.issue({ subject: 'CN=web' });
    const found = browserCertificates({ certPath, keyPath });
    if (found === null) throw new Error('no settings');
    expect(await inspectCertificates(found)).toMatchObject({ faults: [], warnings: [] });
  });

  it('cause a warning when their time is up: people can go on', async () => {
    const { certPath, keyPath } = root.issue({ dates: EXPIRED });
    const found = browserCertificates({ certPath, keyPath });
    if (found === null) throw new Error('no settings');
    const { faults, warnings } = await inspectCertificates(found);
    expect([faults, warnings]).toEqual([
      [],
      [expect.stringMatching(/^browsers warn of it: \[html5proxy\] cert_path: /)],
    ]);
  });

  it('are none without files, and need both', async () => {
    expect(browserCertificates({ certPath: '', keyPath: '' })).toBeNull();
    const found = browserCertificates({ certPath: plain.certPath, keyPath: '' });
    if (found === null) throw new Error('no settings');
    expect((await inspectCertificates(found)).faults).toMatchObject([
      { message: expect.stringMatching(/^\[html5proxy\] key_path: 1 certificates and 0 keys/) },
    ]);
  });
});

describe('a path', () => {
  it('that is relative is told with the folder where it starts', async () => {
    const { faults } = await told({ pairs: [{ certPath: 'absent.pem', keyPath: plain.keyPath }] });
    expect(faults).toEqual([
      `[spice] cert_path: the file ${join(process.cwd(), 'absent.pem')} (written as absent.pem; a relative path starts at ` +
        'the working directory) does not exist; create it or name another one',
    ]);
  });

  it('that may not be read says so', async () => {
    const path = join(folder, 'secret.pem');
    copyFileSync(plain.certPath, path);
    chmodSync(path, 0);
    const { faults } = await told({ pairs: [{ certPath: path, keyPath: plain.keyPath }] });
    // The superuser may read everything.
    if (process.getuid?.() !== 0)
      expect(faults).toEqual([expect.stringContaining('is not readable for this user')]);
  });
});
