// SPDX-License-Identifier: Apache-2.0
// Certificates that no client could verify: the built programs do not start with them, a running one does not take them up,
// and the check before an upgrade tells them.
import { copyFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Authority, EXPIRED, type KeyPair } from '../../fixtures/certificates.js';
import { makeWebRoot } from '../../fixtures/html5proxy.js';
import { type Program, waitFor, waitForOutput } from '../../fixtures/program.js';
import { Site } from './site.js';

const site = new Site();
afterAll(() => site.close());

let foreign: Authority;
beforeAll(async () => {
  foreign = new Authority(site.folder, 'foreign');
  await site.run('manage', ['db', 'sync']);
});

function useOf({ certPath, keyPath }: KeyPair): NodeJS.ProcessEnv {
  return { OS_SPICE__CERT_PATH: certPath, OS_SPICE__KEY_PATH: keyPath };
}

/** Details of a table, its lines joined. */
function joined(table: string): string {
  return table.replaceAll(/ *\|\n\| /g, ' ');
}

describe('a start', () => {
  it.each<[string, () => NodeJS.ProcessEnv, string[]]>([
    [
      'of a foreign CA',
      () => ({ OS_SPICE__CACERT_PATH: foreign.caPath }),
      ['[spice] cert_path: ', 'is signed by "O=Lab,CN=site CA"', 'name the file of the CA in cacert_path'],
    ],
    [
      'that have expired',
      () => useOf(foreign.issue({ dates: EXPIRED })),
      ['[spice] cert_path: ', 'expired on'],
    ],
    [
      'with two faults, both of which it tells',
      () => ({
        OS_SPICE__CACERT_PATH: foreign.caPath,
        OS_SPICE__HOST_SUBJECT: 'CN=Kerbside Proxy,O=Shaken Fist,C=US',
      }),
      ['[spice] cert_path: ', '[spice] host_subject: ', 'set it to "C=US,O=Shaken Fist,CN=Kerbside Proxy"'],
    ],
  ])('is refused with certificates %s', async (_what, env, parts) => {
    for (const name of ['kerbside', 'proxy'] as const) {
      const result = await site.run(name, [], env());
      expect(result.status).toBe(1);
      for (const part of parts) expect(result.stderr).toContain(part);
    }
  });

  it('that is refused tells the CA file and the certificate at once, and the browsers too', async () => {
    const result = await site.run('kerbside', [], {
      OS_SPICE__CACERT_PATH: '/absent/ca.pem',
      OS_SPICE__CERT_PATH: '/absent/cert.pem',
      OS_HTML5PROXY__ENABLED: 'true',
      OS_HTML5PROXY__CERT_PATH: '/absent/web.pem',
      OS_HTML5PROXY__KEY_PATH: '/absent/web-key.pem',
    });
    expect(result.status).toBe(1);
    for (const path of ['ca.pem', 'cert.pem', 'web.pem', 'web-key.pem'])
      expect(result.stderr.split(`/absent/${path} does not exist`)).toHaveLength(2);
  });
});

describe('a running proxy', () => {
  let proxy: Program;
  const at = (name: string): string => join(site.folder, name);
  const port = (): number => Number(/secure SPICE listener bound port=(\d+)/.exec(proxy.output())?.[1]);

  /** The name of the CA of the certificate that clients are shown. */
  const shown = async (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: port(), rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().issuer.CN));
        socket.destroy();
      });
      socket.once('error', reject);
    });

  function place(pair: KeyPair): void {
    copyFileSync(pair.keyPath, at('served-key.pem'));
    copyFileSync(pair.certPath, at('served.pem'));
  }

  beforeAll(async () => {
    copyFileSync(at('site-1-key.pem'), at('served-key.pem'));
    copyFileSync(at('site-1.pem'), at('served.pem'));
    copyFileSync(at('site-ca.pem'), at('served-ca.pem'));
    proxy = await site.start('proxy', {
      env: {
        OS_SPICE__CERT_PATH: at('served.pem'),
        OS_SPICE__KEY_PATH: at('served-key.pem'),
        OS_SPICE__CACERT_PATH: at('served-ca.pem'),
      },
    });
  });

  it('keeps its certificate when the new one is of a foreign CA, and takes it up when the CA file follows', async () => {
    place(foreign.issue());
    proxy.child.kill('SIGHUP');
    await waitForOutput(proxy, 'certificates were not reloaded; the old ones stay in use');
    expect(proxy.output()).toContain('is signed by \\"O=Lab,CN=foreign CA\\"');
    expect(await shown()).toBe('site CA');
    copyFileSync(foreign.caPath, at('served-ca.pem'));
    await waitFor('the certificate of the other CA', async () => (await shown()) === 'foreign CA');
  });

  it('is compared with the configuration by the check before an upgrade', async () => {
    const env = { OS_SPICE__SECURE_PORT: String(port()) };
    const ours = await site.run('status', ['upgrade', 'check'], {
      ...env,
      OS_SPICE__CACERT_PATH: at('served-ca.pem'),
      ...useOf(foreign.issue()),
    });
    expect(joined(ours.stdout)).toContain('Check: Running proxy Result: Success Details: None');
    const others = await site.run('status', ['upgrade', 'check'], env);
    expect(others.status).toBe(2);
    expect(joined(others.stdout)).toMatch(
      /Check: Running proxy Result: Failure Details: its certificate is refused: /,
    );
  });

  it('that browsers could not be connected with is told by kerbside-html5proxy when it starts', async () => {
    const html5 = await site.start('html5proxy', {
      env: {
        OS_HTML5PROXY__ADDRESS: '127.0.0.1',
        OS_HTML5PROXY__PORT: '0',
        OS_HTML5PROXY__PROXY_PORT: String(port()),
        OS_HTML5PROXY__WEB: makeWebRoot(site.folder),
        OS_METRICS__HTML5PROXY_PORT: '0',
      },
    });
    await waitForOutput(
      html5,
      'no browser will have a console: [spice] cacert_path and host_subject here must fit kerbside-proxy',
    );
    expect(html5.output()).toContain('its certificate is refused: ');
  });
});

describe('kerbside-proxy alone', () => {
  it('starts without the CA file, which others hand out, and says what it could not check', async () => {
    const proxy = await site.start('proxy', { env: { OS_SPICE__CACERT_PATH: '/absent/ca.pem' } });
    expect(proxy.output()).toContain(
      'whether clients can verify the certificates is not known: [spice] cacert_path',
    );
  });
});

describe('kerbside-status upgrade check', () => {
  it('tells every fault of the certificates', async () => {
    const result = await site.run('status', ['upgrade', 'check'], {
      OS_SPICE__CACERT_PATH: foreign.caPath,
      OS_SPICE__HOST_SUBJECT: 'O=Lab,CN=elsewhere',
      OS_HTML5PROXY__CERT_PATH: site.conf,
      OS_HTML5PROXY__KEY_PATH: '/absent/key.pem',
    });
    expect(result.status).toBe(2);
    const table = joined(result.stdout);
    expect(table).toMatch(/Check: Certificates Result: Failure Details: /);
    for (const option of [
      '[spice] cert_path',
      '[spice] host_subject',
      '[html5proxy] cert_path',
      '[html5proxy] key_path',
    ])
      expect(table).toContain(`${option}: `);
  });

  it('warns of a certificate, and of a CA, that end soon', async () => {
    const result = await site.run('status', ['upgrade', 'check']);
    const table = joined(result.stdout);
    expect(table).toMatch(
      /Check: Certificates Result: Warning Details: "C=US,O=Shaken Fist,CN=Kerbside Proxy" of .* expires in 29 days/,
    );
    expect(table).toMatch(/"O=Lab,CN=site CA" of .*site-ca\.pem expires in 29 days/);
  });

  it('names the whole path of a file that is written as a relative one', async () => {
    const conf = join(site.folder, 'relative.conf');
    writeFileSync(conf, '[sources]\npath = absent.yaml\n');
    const result = await site.run('status', ['--config-file', conf, 'upgrade', 'check']);
    expect(joined(result.stdout)).toContain(
      `[sources] path: the file ${process.cwd()}/absent.yaml (written as absent.yaml; a relative path starts at the working directory) does not exist`,
    );
  });
});
