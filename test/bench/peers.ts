// SPDX-License-Identifier: Apache-2.0
// The proxies under test: Kerbside as it is built, under one Node or several; from Debian HAProxy (stock and with larger
// buffers), nginx's stream module and websockify; and the native ceiling, a relay in C. All terminate TLS with the same
// ECDSA P-256 certificate in front of one backend, and may use one core for relaying.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Authority, Certificate } from '../fixtures/authority.js';
import { makeKeyPair } from '../../src/recording/keys.js';
import { makeWebRoot } from '../fixtures/html5proxy.js';
import { type Kerbside, startKerbside } from '../fixtures/kerbside-process.js';
import { freePort, startProgram, waitFor } from '../fixtures/program.js';
import type { Door } from './load.js';
import type { NodeRuntime } from './nodes.js';

/** What every proxy needs to know. */
export interface Site {
  /** Private folder. */
  readonly dir: string;
  readonly authority: Authority;
  readonly certificate: Certificate;
  readonly backendPort: number;
}

/** A running proxy. */
export interface Proxy {
  readonly pid: number;
  /** The proxy behind it that carries every byte as well: its CPU time and memory count, too. */
  readonly behind?: number;
  /** Where the next client goes; for Kerbside with fresh tokens of `sessions` sessions. */
  door(sessions: number): Promise<Door>;
  stop(): Promise<void>;
}

/** A kind of proxy. */
export interface Peer {
  readonly name: string;
  readonly title: string;
  /** Version of the Node that it runs under; null: it is no Kerbside. */
  readonly node: string | null;
  /** A process for each connection: memory is counted as PSS and on fewer channels. */
  readonly forks: boolean;
  start(site: Site): Promise<Proxy>;
}

const SUBJECT = 'O=Kerbside bench,CN=Kerbside Proxy';
const SOURCE = 'bench';
const CONSOLE = '2f6d3d6e-8a14-4b51-9a3c-6f3f0a4b7c55';

/** The peer that ratios refer to. */
export const REFERENCE = 'haproxy';
/** The peer whose distance the others have to the least possible cost. */
export const CEILING = 'native';
/** The peer whose distance the others have to Kerbside without its firewall. */
export const WITHOUT_FIREWALL = 'firewall-off';

/** The peer whose distance the others have to Kerbside with a guest policy. */
export const WITH_POLICY = 'guest-policy';

/** The peer that shows what recording costs. */
export const RECORDED = 'recording';

/** The peer for browsers: kerbside-html5proxy, and kerbside-proxy behind it. */
export const BROWSERS = 'html5';
/** What carries WebSockets elsewhere. */
export const WEBSOCKIFY = 'websockify';

/** All peers but Kerbside, the reference first. */
export const OTHERS: readonly Peer[] = [
  {
    name: REFERENCE,
    title: 'HAProxy',
    node: null,
    forks: false,
    start: (site) => startHaproxy(site, ''),
  },
  {
    name: 'haproxy64k',
    title: 'HAProxy, tune.bufsize 65536',
    node: null,
    forks: false,
    start: (site) => startHaproxy(site, '  tune.bufsize 65536\n'),
  },
  { name: 'nginx', title: 'nginx stream', node: null, forks: false, start: startNginx },
  { name: WEBSOCKIFY, title: 'websockify', node: null, forks: true, start: startWebsockify },
  { name: CEILING, title: 'native ceiling', node: null, forks: false, start: startNative },
];

/** Kerbside under each of the Nodes: `kerbside` is the first, `kerbside-<version>` the others. */
export function kerbsides(nodes: readonly NodeRuntime[]): Peer[] {
  return nodes.map((node, at) => ({
    name: at === 0 ? 'kerbside' : `kerbside-${node.version}`,
    title: `Kerbside, Node ${node.version}`,
    node: node.version,
    forks: false,
    start: (site) => startProduct(site, node),
  }));
}

/** Kerbside under this Node with its firewall off: what the firewall costs is measured against it, and it is not judged. */
export function withoutFirewall(node: NodeRuntime): Peer {
  return {
    name: WITHOUT_FIREWALL,
    title: 'Kerbside, firewall off',
    node: null,
    forks: false,
    start: (site) => startProduct(site, node, { OS_FIREWALL__MODE: 'off' }),
  };
}

/**
 * Kerbside under this Node with a guest policy that does not concern the channels under load: what those pay for it all the
 * same is measured, and not judged.
 */
export function withPolicy(node: NodeRuntime): Peer {
  const env = {
    ...{ OS_GUEST_POLICY__CLIPBOARD: 'none', OS_GUEST_POLICY__FILE_TRANSFER: 'none' },
    ...{ OS_GUEST_POLICY__FOLDER_SHARING: 'false', OS_GUEST_POLICY__MAX_MONITORS: '1' },
  };
  return {
    name: WITH_POLICY,
    title: 'Kerbside, guest policy on',
    node: null,
    forks: false,
    start: (site) => startProduct(site, node, env),
  };
}

/** Kerbside under this Node with every session recorded to memory: compared with Kerbside that records nothing. */
export function recorded(node: NodeRuntime): Peer {
  return {
    name: RECORDED,
    title: 'Kerbside, recording on',
    node: null,
    forks: false,
    start: (site) => {
      const path = join(folder(site), 'recordings');
      mkdirSync(path, { mode: 0o700 });
      const { publicKey } = makeKeyPair();
      const env = {
        ...{ OS_RECORDING__PATH: path, OS_RECORDING__PUBLIC_KEY: publicKey },
        OS_RECORDING__MAX_BYTES: '2000000000',
        NODE_OPTIONS: '--perf-basic-prof',
      };
      return startProduct(site, node, env, { record: true });
    },
  };
}

/** WebSockets through Kerbside under this Node: compared with websockify. */
export function forBrowsers(node: NodeRuntime): Peer {
  return {
    name: BROWSERS,
    title: 'Kerbside, for browsers',
    node: null,
    forks: false,
    start: (site) => startForBrowsers(site, node),
  };
}

/** Issues the one certificate that all peers serve with. */
export async function issueCertificate(authority: Authority): Promise<Certificate> {
  return authority.issue('bench', {
    subject: SUBJECT,
    names: ['IP:127.0.0.1', 'DNS:localhost'],
    key: 'ecdsa',
  });
}

function folder(site: Site): string {
  const dir = join(site.dir, `peer-${Math.random().toString(36).slice(2, 10)}`);
  mkdirSync(dir, { recursive: true });
  return dir;
}

async function startHaproxy(site: Site, tuning: string): Promise<Proxy> {
  const dir = folder(site);
  const port = await freePort();
  const both = join(dir, 'bench.pem');
  const { certFile, keyFile } = site.certificate;
  writeFileSync(both, readFileSync(certFile, 'utf8') + readFileSync(keyFile, 'utf8'), { mode: 0o600 });
  const config = join(dir, 'haproxy.cfg');
  writeFileSync(
    config,
    `global
  nbthread 1
  maxconn 8000
${tuning}defaults
  mode tcp
  timeout connect 10s
  timeout client 1h
  timeout server 1h
frontend spice
  bind 127.0.0.1:${port} ssl crt ${both}
  default_backend spice
backend spice
  server backend 127.0.0.1:${site.backendPort}
`,
  );
  return startPeer(dir, 'haproxy', ['-db', '-f', config], { port, dialect: 'tls', tokens: [] });
}

async function startNginx(site: Site): Promise<Proxy> {
  const dir = folder(site);
  const port = await freePort();
  const config = join(dir, 'nginx.conf');
  const { certFile, keyFile } = site.certificate;
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  writeFileSync(
    config,
    `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
${user}daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${dir}/nginx.pid;
error_log ${dir}/nginx.error;
events { worker_connections 8192; }
stream {
  ssl_protocols TLSv1.2 TLSv1.3;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certFile};
    ssl_certificate_key ${keyFile};
    proxy_timeout 1h;
    proxy_pass 127.0.0.1:${site.backendPort};
  }
}
`,
  );
  return startPeer(dir, 'nginx', ['-p', dir, '-c', config], { port, dialect: 'tls', tokens: [] });
}

async function startWebsockify(site: Site): Promise<Proxy> {
  const dir = folder(site);
  const port = await freePort();
  const { certFile, keyFile } = site.certificate;
  const listen = `127.0.0.1:${port}`;
  const args = ['--cert', certFile, '--key', keyFile, '--ssl-only', listen, `127.0.0.1:${site.backendPort}`];
  return startPeer(dir, 'websockify', args, { port, dialect: 'ws', tokens: [] });
}

async function startNative(site: Site): Promise<Proxy> {
  const port = await freePort();
  const { certFile, keyFile } = site.certificate;
  const args = [`${port}`, `${site.backendPort}`, certFile, keyFile];
  return startPeer(folder(site), join(site.dir, 'native'), args, { port, dialect: 'tls', tokens: [] });
}

async function startPeer(dir: string, command: string, args: readonly string[], door: Door): Promise<Proxy> {
  const program = await startProgram(command, args, { logFile: join(dir, 'log') });
  try {
    await waitFor(`${command} on port ${door.port}`, async () => {
      return program.ended() !== null || (await answers(door.port));
    });
    if (program.ended() !== null) throw new Error(`${command} ended: ${program.output().trim().slice(-500)}`);
  } catch (error) {
    await program.stop(1000);
    throw error;
  }
  return {
    pid: program.pid,
    door: () => Promise.resolve(door),
    stop: async () => {
      await program.stop(2000);
    },
  };
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A running Kerbside. */
interface Product extends Proxy {
  /** Its SPICE port. */
  readonly secure: number;
  readonly database: string;
}

async function startProduct(
  site: Site,
  { program, root }: NodeRuntime,
  env: Readonly<Record<string, string>> = {},
  own: { readonly record?: true } = {},
): Promise<Product> {
  const dir = folder(site);
  const sourcesFile = join(dir, 'sources.yaml');
  const hypervisor = { hypervisor: 'localhost', hypervisor_ip: '127.0.0.1', insecure_port: site.backendPort };
  const entry = { uuid: CONSOLE, name: 'bench', ...hypervisor, ticket: 'bench-ticket', ...own };
  writeFileSync(sourcesFile, stringify([{ source: SOURCE, type: 'static', consoles: [entry] }]), {
    mode: 0o600,
  });
  const kerbside = await startKerbside({
    dir,
    sourcesFile,
    node: { program, root },
    caFile: site.authority.caFile,
    certificates: [site.certificate],
    hostSubject: SUBJECT,
    // The load comes from one address, to one console.
    env: {
      OS_CONSOLE__CONCURRENT_SESSIONS: 'share',
      OS_PROXY__MAX_CONNECTIONS_PER_ADDRESS: '20000',
      OS_PROXY__MAX_HALF_OPEN_PER_ADDRESS: '1000',
      ...env,
    },
  });
  const door = async (sessions: number): Promise<Door> => {
    const tokens: string[] = [];
    for (let i = 0; i < sessions; i++) tokens.push(await freshToken(kerbside));
    return { port: kerbside.ports.secure, dialect: 'spice', tokens };
  };
  const stop = async (): Promise<void> => {
    await kerbside.stop(4000);
  };
  const database = `sqlite:///${join(dir, 'kerbside.sqlite')}`;
  return { pid: kerbside.program.pid, door, stop, secure: kerbside.ports.secure, database };
}

async function startForBrowsers(site: Site, node: NodeRuntime): Promise<Proxy> {
  // What stands behind is told the browser's address, as it is wherever browsers are served.
  const kerbside = await startProduct(site, node, { OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1' });
  const dir = folder(site);
  const port = await freePort();
  const { certFile, keyFile } = site.certificate;
  const { secure, database } = kerbside;
  try {
    const program = await startProgram(node.program, [join(node.root, 'dist/cmd/html5proxy.js')], {
      logFile: join(dir, 'log'),
      env: {
        ...{ PATH: process.env['PATH'], HOME: dir, OS_DEFAULT__NODE_NAME: 'html5' },
        ...{ OS_DATABASE__CONNECTION: database, OS_METRICS__HTML5PROXY_PORT: `${await freePort()}` },
        ...{ OS_SPICE__SECURE_PORT: `${secure}`, OS_SPICE__CACERT_PATH: site.authority.caFile },
        ...{ OS_SPICE__HOST_SUBJECT: SUBJECT, OS_SPICE__PUBLIC_FQDN: '127.0.0.1' },
        ...{ OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1', OS_HTML5PROXY__ADDRESS: '127.0.0.1' },
        ...{ OS_HTML5PROXY__PORT: `${port}`, OS_HTML5PROXY__WEB: makeWebRoot(dir) },
        ...{ OS_HTML5PROXY__CERT_PATH: certFile, OS_HTML5PROXY__KEY_PATH: keyFile },
        OS_HTML5PROXY__MAX_CONNECTIONS: '20000',
        OS_HTML5PROXY__MAX_CONNECTIONS_PER_ADDRESS: '20000',
      },
    });
    const stop = async (): Promise<void> => {
      await program.stop(4000);
      await kerbside.stop();
    };
    try {
      await waitFor('kerbside-html5proxy', async () => program.ended() !== null || (await answers(port)));
      if (program.ended() !== null) throw new Error(`kerbside-html5proxy ended: ${program.output().trim()}`);
    } catch (error) {
      await program.stop(1000);
      throw error;
    }
    const door = async (sessions: number): Promise<Door> => {
      const { tokens } = await kerbside.door(sessions);
      return { port, dialect: 'wsspice', tokens };
    };
    return { pid: program.pid, behind: kerbside.pid, door, stop };
  } catch (error) {
    await kerbside.stop();
    throw error;
  }
}

async function freshToken(kerbside: Kerbside): Promise<string> {
  const vv = await waitFor('console in Kerbside', () => kerbside.vv(SOURCE, CONSOLE));
  return vv.password;
}
