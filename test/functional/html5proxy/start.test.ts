// SPDX-License-Identifier: Apache-2.0
// Starting kerbside-html5proxy, and browsers that come when kerbside-proxy is not what it should be.
import { copyFileSync, mkdirSync } from 'node:fs';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Html5Proxy, makeWebRoot } from '../../fixtures/html5proxy.js';
import { Site as FullSite } from '../../fixtures/kerbside.js';
import { freePort, waitFor, waitForOutput } from '../../fixtures/program.js';
import { Site } from '../cmd/site.js';

describe('a start that cannot be', () => {
  const site = new Site();
  beforeAll(async () => {
    mkdirSync(join(site.folder, 'empty'));
    makeWebRoot(site.folder);
    await site.run('manage', ['db', 'sync']);
  });
  afterAll(() => site.close());

  const good = (): NodeJS.ProcessEnv => ({
    OS_SPICE__SECURE_PORT: '5900',
    OS_HTML5PROXY__PORT: '0',
    OS_HTML5PROXY__WEB: join(site.folder, 'web'),
    OS_METRICS__HTML5PROXY_PORT: '0',
  });

  it.each<[string, () => NodeJS.ProcessEnv, string]>([
    [
      'no client',
      () => ({ OS_HTML5PROXY__WEB: join(site.folder, 'absent') }),
      '[html5proxy] web: the folder /.*absent cannot be read \\(ENOENT\\); name the folder',
    ],
    [
      'a folder without the client',
      () => ({ OS_HTML5PROXY__WEB: join(site.folder, 'empty') }),
      '[html5proxy] web: .* has no main.js',
    ],
    [
      'an unknown port of the proxy',
      () => ({ OS_SPICE__SECURE_PORT: '0', OS_SPICE__PUBLIC_SECURE_PORT: '5900' }),
      '[html5proxy] proxy_port: .*',
    ],
    [
      'a certificate without its key',
      () => ({ OS_HTML5PROXY__CERT_PATH: site.conf }),
      '[html5proxy] key_path: 1 certificates and 0 keys are configured',
    ],
    [
      'a certificate that is none',
      () => ({
        OS_HTML5PROXY__CERT_PATH: site.conf,
        OS_HTML5PROXY__KEY_PATH: join(site.folder, 'site-1-key.pem'),
      }),
      '[html5proxy] cert_path: the file .* holds no PEM certificate',
    ],
    [
      'a CA that is none',
      () => ({ OS_SPICE__CACERT_PATH: site.conf }),
      '[spice] cacert_path: the file .* holds no PEM certificate',
    ],
    [
      'a network that is none',
      () => ({ OS_HTML5PROXY__TRUSTED_PROXIES: '10.0.0.0/99' }),
      '[html5proxy] trusted_proxies: "10.0.0.0/99" is not an address or a network',
    ],
    [
      'an address that is not here',
      () => ({ OS_HTML5PROXY__ADDRESS: '192.0.2.99' }),
      '[html5proxy] address, port: cannot listen on 192.0.2.99 port 0 \\(EADDRNOTAVAIL\\)',
    ],
  ])('with %s is told in one line', async (_what, env, words) => {
    const { status, stderr } = await site.run('html5proxy', [], { ...good(), ...env() });
    expect(status).toBe(1);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(new RegExp(words.replace(/^\[([a-z0-9]+)\]/, '\\[$1\\]')));
  });
});

describe('a running one', () => {
  let site: FullSite;
  let html5: Html5Proxy | undefined;
  beforeAll(async () => {
    site = await FullSite.start({ OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1' });
  });
  afterEach(async () => {
    await html5?.stop();
    html5 = undefined;
  });
  afterAll(() => site.stop());

  it('answers 502 to browsers while kerbside-proxy is away, and says so in its log', async () => {
    html5 = await Html5Proxy.start(site, { OS_HTML5PROXY__PROXY_PORT: `${await freePort()}` });
    await expect(html5.open()).rejects.toThrow('502');
    await waitForOutput(html5.program, 'kerbside-proxy cannot be reached detail="connection refused');
    expect(await html5.metric('kerbside_html5proxy_refused_total{reason="proxy_unreachable"}')).toBe(1);
  });

  it('that sends no header where one is wanted says which option does not agree', async () => {
    html5 = await Html5Proxy.start(site);
    await expect(html5.open()).rejects.toThrow('502');
    await waitForOutput(html5.program, 'does its [proxy] proxy_protocol_from agree with the one here?');
    await waitForOutput(html5.program, 'browsers count as this node in limits, sessions and audit');
    await site.metricAtLeast('kerbside_proxy_refused_total{reason="proxy_header"}', 1);
  });

  it('speaks HTTPS with a certificate, takes up a new one, and holds pages of other schemes off', async () => {
    const { authority, ecdsa } = site.certificates;
    const [cert, key] = [join(site.folder, 'web.pem'), join(site.folder, 'web-key.pem')];
    copyFileSync(ecdsa.certPath, cert);
    copyFileSync(ecdsa.keyPath, key);
    html5 = await Html5Proxy.start(site, {
      ...{ OS_HTML5PROXY__CERT_PATH: cert, OS_HTML5PROXY__KEY_PATH: key },
      OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1',
    });
    const { port } = html5;
    const shown = async (): Promise<string> => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    expect((await html5.get('/spice_auto.html?password=x')).status).toBe(200);
    (await html5.open({ headers: { Origin: 'https://127.0.0.1' } })).terminate();
    await expect(html5.open({ headers: { Origin: 'http://127.0.0.1' } })).rejects.toThrow('403');
    const before = await shown();
    const renewed = authority.issue();
    copyFileSync(renewed.keyPath, key);
    copyFileSync(renewed.certPath, cert);
    html5.program.child.kill('SIGHUP');
    await waitFor('the new certificate', async () => (await shown()) !== before);
  });
});

describe('kerbside, all in one', () => {
  it('serves browsers when it is told to, with its metrics beside the others', async () => {
    const folder = new Site();
    const port = await freePort();
    const site = await FullSite.start({
      OS_HTML5PROXY__ENABLED: 'true',
      OS_HTML5PROXY__ADDRESS: '127.0.0.1',
      OS_HTML5PROXY__PORT: `${port}`,
      OS_HTML5PROXY__WEB: makeWebRoot(folder.folder),
    });
    try {
      expect((await fetch(`http://127.0.0.1:${port}/spice_auto.html?password=x`)).status).toBe(200);
      expect(await site.metric('kerbside_html5proxy_active_websockets')).toBe(0);
      expect(await site.metric('kerbside_proxy_workers')).toBe(1);
      expect(await site.kerbside.stop()).toBe(0);
    } finally {
      await site.stop();
      await folder.close();
    }
  });
});
