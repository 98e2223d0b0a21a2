// SPDX-License-Identifier: Apache-2.0
// Kerbside takes new certificates while a real client's session goes on.
import { copyFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { PROXY_SUBJECT } from '../fixtures/lab.js';
import { waitFor } from '../fixtures/program.js';

jest.setTimeout(180_000);

let desk: Desk;

beforeAll(async () => {
  desk = await startDesk(() => ({}));
});

afterAll(async () => {
  await desk.stop();
});

async function served(key: 'ecdsa' | 'rsa'): Promise<string> {
  const { kerbside } = desk.lab;
  const sigalgs = key === 'ecdsa' ? 'ECDSA+SHA256' : 'RSA+SHA256:RSA-PSS+SHA256';
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: '127.0.0.1', port: kerbside.ports.secure, rejectUnauthorized: false, sigalgs },
      () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      },
    );
    socket.once('error', reject);
  });
}

async function replaceCertificates(): Promise<void> {
  const { authority } = desk.lab;
  for (const key of ['ecdsa', 'rsa'] as const) {
    const fresh = await authority.issue(`fresh-${key}`, {
      subject: PROXY_SUBJECT,
      names: ['IP:127.0.0.1'],
      key,
    });
    copyFileSync(fresh.keyFile, `${authority.dir}/proxy-${key}-key.pem`);
    copyFileSync(fresh.certFile, `${authority.dir}/proxy-${key}.pem`);
  }
}

describe('a certificate reload', () => {
  it.each(['SIGHUP', 'a change of the files alone'])(
    'by %s serves the new ones and keeps the session',
    async (how) => {
      const viewer = await desk.open(await desk.vv());
      const before = { ecdsa: await served('ecdsa'), rsa: await served('rsa') };
      expect(before.ecdsa).not.toBe(before.rsa);

      await replaceCertificates();
      if (how === 'SIGHUP') desk.lab.kerbside.program.child.kill('SIGHUP');
      await waitFor('new certificates', async () => {
        const [ecdsa, rsa] = [await served('ecdsa'), await served('rsa')];
        return ecdsa !== before.ecdsa && rsa !== before.rsa;
      });

      const keys = (await viewer.sees()).state.keys;
      await viewer.type('still here');
      await viewer.sees(({ state }) => state.keys === keys + 10, 5000);
      await viewer.stop();
      expect((await desk.screenshot(await desk.vv())).image).not.toBeNull();
    },
  );
});
