// SPDX-License-Identifier: Apache-2.0
// A kubevirt entry of sources.yaml: what is taken, what each fault says, and the login that becomes of it.
import { describe, expect, it } from '@jest/globals';
import { kubeVirtLogin } from '../../../../src/sources/kubevirt/entry.js';
import { parseSources } from '../../../../src/sources/file/sources-file.js';

const GOOD = {
  source: 'k8s',
  type: 'kubevirt',
  url: 'https://k8s.example.com:6443/',
  token: 'eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl',
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

describe('a kubevirt entry', () => {
  it('becomes a login with a token, which is kept where it is encrypted', () => {
    const { definition, faults, warnings } = read();
    expect([faults, warnings]).toEqual([[], []]);
    expect(definition).toMatchObject({ username: null, password: GOOD.token, options: {} });
    const login = kubeVirtLogin(definition);
    expect(login).toMatchObject({ url: 'https://k8s.example.com:6443', namespaces: [], http: {} });
    expect(JSON.stringify(login)).not.toContain(GOOD.token);
  });

  it('may name a file in place of the token, and namespaces as a list or a text', () => {
    for (const namespaces of ['[desks, lab, desks]', '"desks, lab"', 'desks lab']) {
      const { definition, faults } = read({ token: null, token_file: '/run/token', namespaces });
      expect(faults).toEqual([]);
      expect(definition.password).toBeNull();
      expect(kubeVirtLogin(definition)).toMatchObject({
        token: { file: '/run/token' },
        namespaces: ['desks', 'lab'],
      });
    }
  });

  it('says whose certificate is good', () => {
    const tls = (verify: string, caCert: string | null = null) =>
      kubeVirtLogin({ ...read({ verify }).definition, caCert }).http;
    expect(tls('off')).toEqual({ insecure: true });
    expect(tls('/etc/ca.pem')).toEqual({ cafile: '/etc/ca.pem', cafileFrom: 'source "k8s", verify' });
    expect(tls('yes', 'THE CA').ca).toMatch(/THE CA$/);
  });

  it.each([
    ['url', null, 'is missing; give the URL of the Kubernetes API'],
    ['url', 'k8s:6443', 'is not a URL of http or https; give'],
    ['url', 'https://a:b@k8s', 'holds a user or a password'],
    ['token', null, 'is missing, and so is token_file; give what "kubectl create token" prints'],
    ['token', 'two words', 'holds something else than letters, digits and signs'],
    ['token', 'x'.repeat(1401), 'is 1401 bytes long; it may have at most 1400 bytes'],
    ['token_file', '/run/token', 'is given beside token_file; leave one of them out'],
    ['namespaces', '[desks, "../x"]', '"../x" is not the name of a namespace'],
    ['username', 'me', 'is not a key of kubevirt'],
    ['password', 'secret', 'is not a key of kubevirt'],
  ])('has a fault: %s %s', (key, value, sentence) => {
    const { faults } = read({ [key]: value });
    expect(faults).toEqual([expect.stringContaining(sentence)]);
    expect(faults.join()).not.toMatch(/secret|two words/);
  });

  it('has a fault: a file without its whole path', () => {
    expect(read({ token: null, token_file: 'token' }).faults).toEqual([
      expect.stringContaining('token_file: "token" is not an absolute path'),
    ]);
  });

  it('of which the database has kept too little makes no driver', () => {
    const { definition } = read();
    for (const change of [{ url: null }, { password: null }, { url: 'ftp://x' }])
      expect(() => kubeVirtLogin({ ...definition, ...change })).toThrow('source "k8s"');
  });
});
