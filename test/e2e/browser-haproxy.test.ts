// SPDX-License-Identifier: Apache-2.0
// A desktop in a browser by wss, behind HAProxy as doc/source/admin/browsers.rst sets it up, with two kerbside-html5proxy: each WebSocket
// goes to any of them, and one that dies takes no desktop with it.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { scancodesOf } from '../boot-target/decode.js';
import { differingPixels, readPpm } from '../boot-target/image.js';
import { SpicePage, startChromium } from '../fixtures/chromium.js';
import { CONSOLE, type Lab, SOURCE, startLab } from '../fixtures/lab.js';
import { freePort, type Program, startProgram, waitFor } from '../fixtures/program.js';

jest.setTimeout(180_000);

const dir = mkdtempSync(join(tmpdir(), 'kerbside-e2e-'));
const stats = join(dir, 'haproxy.sock');
let lab: Lab;
let browser: Browser;
let second: Program;
let haproxy: Program;
let origin: string;

beforeAll(async () => {
  const [front, one, two, metrics] = [await freePort(), await freePort(), await freePort(), await freePort()];
  origin = `https://127.0.0.1:${front}`;
  const env = {
    KERBSIDE_AUTH_SECRET_SEED: randomBytes(32).toString('hex'),
    KERBSIDE_SQL_URL: `sqlite:///${join(dir, 'kerbside.sqlite')}`,
    OS_HTML5PROXY__ENABLED: 'true',
    OS_HTML5PROXY__ADDRESS: '127.0.0.1',
    OS_HTML5PROXY__PORT: `${one}`,
    OS_HTML5PROXY__TRUSTED_PROXIES: '127.0.0.1',
    OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1',
  };
  mkdirSync(join(dir, 'lab'));
  [lab, browser] = await Promise.all([startLab({ dir: join(dir, 'lab'), env }), startChromium()]);
  const { certFile, keyFile } = await lab.authority.issue('console', {
    subject: 'CN=console.example.org',
    names: ['IP:127.0.0.1'],
  });
  const { ports } = lab.kerbside;
  second = await startProgram(process.execPath, ['dist/cmd/html5proxy.js'], {
    logFile: join(dir, 'second.log'),
    env: {
      ...{ PATH: process.env['PATH'], HOME: dir, ...env },
      KERBSIDE_NODE_NAME: 'second',
      OS_HTML5PROXY__PORT: `${two}`,
      KERBSIDE_VDI_SECURE_PORT: `${ports.secure}`,
      KERBSIDE_PUBLIC_FQDN: '127.0.0.1',
      KERBSIDE_PROXY_HOST_SUBJECT: (await lab.kerbside.vv(SOURCE, CONSOLE)).values.get('host-subject') ?? '',
      KERBSIDE_CACERT_PATH: lab.authority.caFile,
      KERBSIDE_PROMETHEUS_METRICS_ADDRESS: '127.0.0.1',
      KERBSIDE_PROMETHEUS_METRICS_PORT: `${metrics}`,
    },
  });
  writeFileSync(join(dir, 'console.pem'), readFileSync(certFile, 'utf8') + readFileSync(keyFile, 'utf8'), {
    mode: 0o600,
  });
  writeFileSync(join(dir, 'haproxy.cfg'), balancer(front, [one, two]));
  haproxy = await startProgram('/usr/sbin/haproxy', ['-db', '-f', join(dir, 'haproxy.cfg')], {
    logFile: join(dir, 'haproxy.log'),
  });
  await waitFor('both nodes to be healthy', async () => {
    if (haproxy.ended() !== null) throw new Error(haproxy.output());
    return (await serversOf()).filter(({ status }) => status === 'UP').length === 2;
  });
});
afterAll(async () => {
  await Promise.all([browser.close(), haproxy.stop(), second.stop(), lab.stop()]);
  rmSync(dir, { recursive: true, force: true });
});

function balancer(front: number, nodes: readonly number[]): string {
  return `global
  stats socket ${stats} mode 600
defaults
  timeout connect 2s
  timeout client 1h
  timeout server 30s
  default-server inter 300ms fall 2 rise 1
frontend console
  mode http
  bind 127.0.0.1:${front} ssl crt ${join(dir, 'console.pem')}
  http-request set-header X-Forwarded-Proto https
  option forwardfor
  default_backend console
backend console
  mode http
  balance roundrobin
  timeout tunnel 24h
  option httpchk GET /healthcheck
  option redispatch
  retries 3
${nodes.map((port, n) => `  server node${n + 1} 127.0.0.1:${port} check\n`).join('')}`;
}

interface Server {
  readonly name: string;
  readonly status: string;
  /** WebSockets that are open through it. */
  readonly open: number;
}

/** What HAProxy says of the nodes; none before it listens. */
async function serversOf(): Promise<Server[]> {
  const socket = connect(stats);
  socket.end('show stat\n');
  const [names = '', ...lines] = (await text(socket).catch(() => '')).split('\n');
  const columns = names.replace(/^# /, '').split(',');
  return lines
    .map((line) => line.split(','))
    .map((cells) => {
      const cell = (name: string): string => cells[columns.indexOf(name)] ?? '';
      return { name: cell('svname'), status: cell('status'), open: Number(cell('scur')) };
    })
    .filter(({ name }) => name.startsWith('node'));
}

it('a desktop is there pixel for pixel and takes keys through both nodes; when one dies, it comes back through the other', async () => {
  const vv = await waitFor('console in Kerbside', () => lab.kerbside.vv(SOURCE, CONSOLE), { everyMs: 200 });
  const shown = await SpicePage.open(browser, `${origin}/spice_auto.html?token=${vv.password}`);
  const { page } = shown;
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await shown.sees();
  const types = async (word: string): Promise<void> => {
    const expected = scancodesOf(word);
    await shown.type(word);
    await shown.sees(
      ({ state }) => state.scancodes.slice(-expected.length).join() === expected.slice(-16).join(),
    );
  };
  await types('over wss');
  const dump = join(dir, 'screendump.ppm');
  await waitFor('the picture of the guest, pixel for pixel', async () => {
    await lab.guest.qmp('screendump', { filename: dump });
    const screen = await shown.screen();
    return screen !== null && differingPixels(screen, readPpm(readFileSync(dump))) === 0;
  });
  expect((await serversOf()).filter(({ open }) => open > 0)).toHaveLength(2);
  const sessions = await lab.kerbside.sessions();
  const { channels = [] } = sessions[lab.kerbside.sessionId(vv)] ?? {};
  expect(channels.map(({ channel_type: type }) => type).sort()).toEqual([
    ...['cursor', 'display', 'inputs', 'main'],
  ]);

  second.child.kill('SIGKILL');
  await page.getByText('Connection lost. Trying again …').waitFor();
  await page.getByText('Connected', { exact: true }).waitFor({ timeout: 60_000 });
  await shown.sees();
  await types('once more');
  expect(Object.keys(await lab.kerbside.sessions())).toEqual(Object.keys(sessions));
  expect(sockets.filter((url) => !url.startsWith('wss://'))).toEqual([]);
  expect(shown.console.filter((line) => /Content Security Policy|pageerror/.test(line))).toEqual([]);
  await shown.close();
});
