// SPDX-License-Identifier: Apache-2.0
// Kerbside in front of the cloud of cloud.ts: a private MariaDB, certificates, sources.yaml with the cloud as an
// OpenStack source, [keystone_authtoken]; and what a user does with it: opens console URLs, calls the API, connects.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Authority, type Certificate, makeAuthority } from '../../fixtures/authority.js';
import {
  type ApiAnswer,
  freeKerbsidePorts,
  type Kerbside,
  startKerbside,
} from '../../fixtures/kerbside-process.js';
import { probeLink, type ProbeResult } from '../../fixtures/link-probe.js';
import { type MariaDb, startMariaDb } from '../../fixtures/mariadb.js';
import { parseVvFile, type VvFile } from '../../fixtures/vv-file.js';
import { spicyScreenshot } from '../../fixtures/x11.js';
import type { Account, Cloud } from './cloud.js';

/** Name of the OpenStack source. */
export const SOURCE = 'lab';
const SUBJECT = 'O=Kerbside,CN=Kerbside Proxy';

/** Changes to a Kerbside. */
export interface DoorOptions {
  name: string;
  apiPort?: number;
  env?: NodeJS.ProcessEnv;
  /** PEM file of the CA that hypervisors are checked against; the cloud's own when not given. */
  hypervisorCa?: string;
}

/** Everything that runs beside the cloud. */
export class Site {
  private readonly doors: Door[] = [];

  private constructor(
    readonly dir: string,
    readonly cloud: Cloud,
    readonly authority: Authority,
    private readonly certificates: readonly Certificate[],
    private readonly database: MariaDb,
  ) {}

  static async start(dir: string, cloud: Cloud): Promise<Site> {
    const authority = await makeAuthority(join(dir, 'pki'));
    const names = ['IP:127.0.0.1', 'DNS:localhost'];
    const certificates = [
      await authority.issue('ecdsa', { subject: SUBJECT, names, key: 'ecdsa' }),
      await authority.issue('rsa', { subject: SUBJECT, names, key: 'rsa' }),
    ];
    return new Site(dir, cloud, authority, certificates, await startMariaDb());
  }

  /** Starts a Kerbside on a schema of its own. */
  async open(options: DoorOptions): Promise<Door> {
    const dir = join(this.dir, options.name);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const sourcesFile = join(dir, 'sources.yaml');
    writeFileSync(sourcesFile, stringify([this.source(options)]), { mode: 0o600 });
    const ports = await freeKerbsidePorts();
    const kerbside = await startKerbside({
      dir,
      sourcesFile,
      caFile: this.authority.caFile,
      certificates: this.certificates,
      hostSubject: SUBJECT,
      ports: { ...ports, api: options.apiPort ?? ports.api },
      env: {
        KERBSIDE_NODE_NAME: options.name,
        OS_DEFAULT__STATE_PATH: dir,
        KERBSIDE_SQL_URL: this.database.url(await this.database.createSchema()),
        OS_NOTIFICATIONS__TRANSPORT_URL: this.cloud.broker,
        ...this.keystoneOptions(),
        ...options.env,
      },
    });
    const door = new Door(kerbside, dir, this.authority.caFile);
    this.doors.push(door);
    return door;
  }

  async stop(): Promise<void> {
    await Promise.all(this.doors.map(({ kerbside }) => kerbside.stop(3000)));
    await this.database.stop();
  }

  private source(options: DoorOptions): Record<string, unknown> {
    return {
      source: SOURCE,
      type: 'openstack',
      url: this.cloud.keystone,
      username: 'console',
      password: this.cloud.password,
      project_name: 'service',
      user_domain_id: 'default',
      project_domain_id: 'default',
      interface: 'public',
      ca_cert: readFileSync(options.hypervisorCa ?? this.cloud.spiceCa, 'utf8'),
    };
  }

  private keystoneOptions(): NodeJS.ProcessEnv {
    const group = {
      AUTH_URL: this.cloud.keystone,
      AUTH_TYPE: 'password',
      USERNAME: 'console',
      PASSWORD: this.cloud.password,
      PROJECT_NAME: 'service',
      USER_DOMAIN_ID: 'default',
      PROJECT_DOMAIN_ID: 'default',
      INTERFACE: 'public',
      HTTP_CONNECT_TIMEOUT: '5',
    };
    const options: NodeJS.ProcessEnv = { OS_KEYSTONE__ADMIN_GROUP: 'kerbside-admin' };
    for (const [name, value] of Object.entries(group)) options[`OS_KEYSTONE_AUTHTOKEN__${name}`] = value;
    return options;
  }
}

/** One Kerbside as its users see it. */
export class Door {
  /** Every token and password that went through it: none may be in its log. */
  readonly secrets = new Set<string>();

  constructor(
    readonly kerbside: Kerbside,
    readonly dir: string,
    private readonly caFile: string,
  ) {}

  /** Opens what Nova handed out; the host and port are this Kerbside's, whatever the URL says. */
  async follow(url: string, accept = 'application/x-virt-viewer'): Promise<ApiAnswer> {
    const { pathname, search, searchParams } = new URL(url);
    this.keep(searchParams.get('token'));
    const answer = await fetch(`${this.kerbside.apiUrl}${pathname}${search}`, {
      headers: { accept },
      redirect: 'manual',
    });
    const headers = Array.from(answer.headers, ([name, value]) => `${name}: ${value}`).join('\n');
    return { status: answer.status, headers, body: await answer.text() };
  }

  /** The .vv file behind a console URL. @throws Error when there is none. */
  async vvOf(url: string): Promise<VvFile> {
    const answer = await this.follow(url);
    if (answer.status !== 200) throw new Error(`no .vv file: ${answer.status} ${answer.body.slice(0, 300)}`);
    const vv = parseVvFile(answer.body);
    this.keep(vv.password);
    return vv;
  }

  /** Calls the API with a Keystone token. @param version of /v1, such as `1.4`; the oldest when it is not given */
  async as(
    account: Account | string,
    method: string,
    path: string,
    body?: unknown,
    version?: string,
  ): Promise<ApiAnswer> {
    const token = typeof account === 'string' ? account : account.token;
    this.keep(token);
    const answer = await fetch(`${this.kerbside.apiUrl}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        'x-auth-token': token,
        ...(version === undefined ? {} : { 'openstack-api-version': `console ${version}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      redirect: 'manual',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const headers = Array.from(answer.headers, ([name, value]) => `${name}: ${value}`).join('\n');
    return { status: answer.status, headers, body: await answer.text() };
  }

  /** Asks the broker for a console as a user. */
  broker(account: Account, instance: string, type?: string): Promise<ApiAnswer> {
    const body = { instance_uuid: instance, ...(type === undefined ? {} : { type }) };
    return this.as(account, 'POST', '/v1/consoles', body);
  }

  /** What a .vv file shows, as a hash of the picture; null when it shows nothing. */
  async picture(vv: VvFile): Promise<{ hash: string | null; log: string }> {
    const { host, port, tlsPort, password } = vv;
    const target = { host, port, tlsPort, password, caFile: this.caFile };
    const { image, log } = await spicyScreenshot(target, this.dir);
    return { hash: image === null ? null : hashOf(image), log };
  }

  /** Links a main channel with a .vv file's token. */
  async probe(vv: VvFile): Promise<ProbeResult> {
    const ca = readFileSync(this.caFile, 'utf8');
    return probeLink({ host: vv.host, port: vv.tlsPort ?? 0, ca, ticket: vv.password });
  }

  /** The secrets that the log holds; their first characters only. */
  leaked(): string[] {
    const log = this.kerbside.program.output();
    return [...this.secrets].filter((secret) => log.includes(secret)).map((secret) => secret.slice(0, 4));
  }

  private keep(secret: string | null): void {
    if (secret !== null && secret.length >= 16) this.secrets.add(secret);
  }

  /** Audit messages of an instance, oldest first. */
  audit(uuid: string): Promise<string[]> {
    return this.kerbside.audit(SOURCE, uuid);
  }
}

/** What the guest itself shows, without Kerbside. */
export async function directPicture(host: string, port: number, dir: string): Promise<string> {
  const { image, log } = await spicyScreenshot({ host, port, password: null }, dir);
  if (image === null) throw new Error(`no direct screenshot of ${host}:${port}: ${log}`);
  return hashOf(image);
}

function hashOf({ width, height, rgb }: { width: number; height: number; rgb: Uint8Array }): string {
  return `${width}x${height} sha256 ${createHash('sha256').update(rgb).digest('hex')}`;
}
