// SPDX-License-Identifier: Apache-2.0
// The cluster: two machines for each program of Kerbside, HAProxy, MariaDB, RabbitMQ, and hypervisors with real guests;
// and what its users and its operator do with it.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { makeAuthority } from '../fixtures/authority.js';
import { type ApiAnswer, consoleFile } from '../fixtures/kerbside-process.js';
import { type MariaDb, PASSWORD, startMariaDb } from '../fixtures/mariadb.js';
import { runProgram, waitFor } from '../fixtures/program.js';
import { type Guest, startGuest } from '../fixtures/qemu.js';
import { type RabbitMq, startRabbitMq, type VirtualHost } from '../fixtures/rabbitmq.js';
import { repositoryRoot } from '../fixtures/repository.js';
import { parseVvFile, type VvFile } from '../fixtures/vv-file.js';
import { Balancer, PORTS } from './balancer.js';
import type { Network } from './network.js';
import { Node, type NodeName, type Role } from './node.js';

/** Name of the only source. */
export const SOURCE = 'lab';
const SUBJECT = 'O=Kerbside,CN=Kerbside Proxy';
const FIRST_SPICE_PORT = 5930;
const GUESTS = 4;
const API_DEADLINE_MS = 15_000;

/** Options that differ from their defaults, in seconds; the rest of the cluster runs on Kerbside's own. */
export const SETTINGS = {
  reconnectGrace: 60,
  drainTimeout: 8,
  pollInterval: 2,
  reportInterval: 5,
  serviceDownTime: 15,
  leaseTime: 15,
} as const;

const NODES: readonly (readonly [NodeName, Role])[] = [
  ['api1', 'api'],
  ['api2', 'api'],
  ['proxy1', 'proxy'],
  ['proxy2', 'proxy'],
  ['conductor1', 'conductor'],
  ['conductor2', 'conductor'],
];

/** A console and the guest behind it. */
export interface Desk {
  readonly uuid: string;
  readonly guest: Guest;
}

/** The running cluster. */
export class Site {
  readonly nodes = new Map<NodeName, Node>();
  readonly desks: Desk[] = [];
  private token = '';

  private constructor(
    readonly folder: string,
    readonly network: Network,
    readonly balancer: Balancer,
    readonly database: MariaDb,
    readonly schema: string,
    readonly broker: RabbitMq,
    readonly virtualHost: VirtualHost,
  ) {}

  /** Starts everything. @throws Error when a part does not come up */
  static async start(folder: string, network: Network, say: (step: string) => void): Promise<Site> {
    const authority = await makeAuthority(join(folder, 'pki'));
    const balancer = new Balancer(network, folder);
    say('starting MariaDB and RabbitMQ');
    const [database, broker] = await Promise.all([
      startMariaDb({ address: network.address('database', 'control'), prefix: network.enter('database') }),
      startRabbitMq({
        place: { address: network.address('broker', 'control'), prefix: network.enter('broker') },
      }),
    ]);
    const schema = await database.createSchema();
    const virtualHost = await broker.createVirtualHost();
    const site = new Site(folder, network, balancer, database, schema, broker, virtualHost);
    const names = [`IP:${balancer.address}`, 'DNS:localhost'];
    const certificate = await authority.issue('proxy', { subject: SUBJECT, names, key: 'ecdsa' });
    say('booting guests');
    await site.bootGuests();
    const sourcesFile = join(folder, 'sources.yaml');
    writeFileSync(sourcesFile, stringify([site.source()]), { mode: 0o600 });
    const env: NodeJS.ProcessEnv = {
      PATH: process.env['PATH'],
      HOME: folder,
      OS_DEFAULT__STATE_PATH: folder,
      OS_DEFAULT__TRANSPORT_URL: virtualHost.url(),
      OS_DEFAULT__REPORT_INTERVAL: `${SETTINGS.reportInterval}`,
      OS_DEFAULT__SERVICE_DOWN_TIME: `${SETTINGS.serviceDownTime}`,
      OS_DATABASE__CONNECTION: database.url(schema),
      OS_API__ADDRESS: '0.0.0.0',
      OS_API__AUTH_SECRET_SEED: randomBytes(32).toString('hex'),
      OS_API__TRUSTED_PROXIES: balancer.address,
      OS_CONDUCTOR__LEASE_TIME: `${SETTINGS.leaseTime}`,
      OS_CONSOLE__CONCURRENT_SESSIONS: 'share',
      OS_CONSOLE__RECONNECT_GRACE: `${SETTINGS.reconnectGrace}`,
      OS_METRICS__ADDRESS: '0.0.0.0',
      OS_PROXY__DRAIN_TIMEOUT: `${SETTINGS.drainTimeout}`,
      OS_PROXY__POLL_INTERVAL: `${SETTINGS.pollInterval}`,
      OS_PROXY__PROXY_PROTOCOL_FROM: balancer.address,
      OS_SOURCES__PATH: sourcesFile,
      OS_SPICE__ADDRESS: '0.0.0.0',
      OS_SPICE__PUBLIC_FQDN: balancer.address,
      OS_SPICE__PUBLIC_SECURE_PORT: `${PORTS.secure}`,
      OS_SPICE__PUBLIC_INSECURE_PORT: `${PORTS.insecure}`,
      OS_SPICE__HOST_SUBJECT: SUBJECT,
      OS_SPICE__CERT_PATH: certificate.certFile,
      OS_SPICE__KEY_PATH: certificate.keyFile,
      OS_SPICE__CACERT_PATH: authority.caFile,
    };
    await site.startNodes(env, say);
    return site;
  }

  /** Ends what keeps its data outside the private folder; the rest goes with the network. */
  async stop(): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.kill()));
    await Promise.all([this.database.stop(), this.broker.stop()]);
  }

  /** Passwords and tokens of the site itself. */
  get secrets(): string[] {
    return [this.token, PASSWORD, encodeURIComponent(PASSWORD), this.virtualHost.password];
  }

  /** A node by its name. */
  node(name: NodeName): Node {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  /** The nodes of one program. */
  role(role: Role): Node[] {
    return [...this.nodes.values()].filter((node) => node.role === role);
  }

  /** Asks the API as an administrator: through the balancer, or one node of it. @throws Error without an answer */
  async api(method: string, path: string, node?: Node): Promise<ApiAnswer> {
    const host = node?.address ?? this.balancer.address;
    const answer = await fetch(`http://${host}:${PORTS.api}${path}`, {
      method,
      headers: { accept: 'application/json', authorization: `Bearer ${this.token}` },
      redirect: 'manual',
      signal: AbortSignal.timeout(API_DEADLINE_MS),
    });
    const headers = Array.from(answer.headers, ([name, value]) => `${name}: ${value}`).join('\n');
    return { status: answer.status, headers, body: await answer.text() };
  }

  /** The path of a console's .vv file. */
  path(desk: Desk): string {
    return consoleFile(SOURCE, desk.uuid);
  }

  /** A fresh .vv file. @throws Error when the API refuses */
  async vv(desk: Desk, node?: Node): Promise<VvFile> {
    const answer = await this.api('GET', this.path(desk), node);
    if (answer.status !== 200)
      throw new Error(`no console.vv: ${answer.status} ${answer.body.slice(0, 200)}`);
    return parseVvFile(answer.body);
  }

  /** Ends a session for good. */
  terminate(sessionId: string, node?: Node): Promise<ApiAnswer> {
    return this.api('POST', `/session/${sessionId}/terminate`, node);
  }

  /** The value of a proxy's metric without labels. @throws Error when the proxy does not answer */
  async metric(node: Node, name: string): Promise<number> {
    const answer = await fetch(`http://${node.address}:${PORTS.metrics}/metrics`, {
      signal: AbortSignal.timeout(3000),
    });
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(await answer.text())?.[1];
    if (value === undefined) throw new Error(`${node.name} has no metric ${name}`);
    return Number(value);
  }

  /** Rows of the site's schema, read as the database's administrator. */
  async rows<Row>(sql: string): Promise<Row[]> {
    return (await this.database.admin(sql.replaceAll('{schema}', this.schema))) as Row[];
  }

  private async bootGuests(): Promise<void> {
    const prefix = this.network.enter('hypervisor');
    for (let index = 0; index < GUESTS; index += 1) {
      const dir = join(this.folder, `guest${index}`);
      mkdirSync(dir);
      const guest = await startGuest({
        dir,
        address: this.network.address('hypervisor', 'data'),
        port: FIRST_SPICE_PORT + index,
        prefix,
        allChannels: index === 0,
        // spice-server serves several users of one guest at a time only when it is told to.
        env: { ...process.env, ...(index === 0 ? {} : { SPICE_DEBUG_ALLOW_MC: '1' }) },
      });
      this.desks.push({ uuid: randomUUID(), guest });
    }
  }

  private source(): object {
    const consoles = this.desks.map(({ uuid, guest }, index) => ({
      uuid,
      name: `guest${index}`,
      hypervisor: 'hypervisor.example.org',
      hypervisor_ip: guest.address,
      insecure_port: guest.port,
      ticket: guest.password,
    }));
    return { source: SOURCE, type: 'static', consoles };
  }

  private async startNodes(env: NodeJS.ProcessEnv, say: (step: string) => void): Promise<void> {
    say('starting the nodes');
    await this.manage(env, 'db', 'sync');
    this.token = await this.manage(env, 'token', 'create', '--subject', 'operator', '--admin');
    for (const [name, role] of NODES) {
      const nodeEnv = { ...env, OS_DEFAULT__NODE_NAME: name };
      this.nodes.set(name, new Node(name, role, this.network, this.folder, nodeEnv));
    }
    await Promise.all([...this.nodes.values()].map((node) => node.start()));
    await this.balancer.start();
    await waitFor('consoles in Kerbside', async () => {
      const answers = await Promise.all(
        this.desks.map((desk) => this.api('GET', `/console/${SOURCE}/${desk.uuid}/audit`)),
      );
      return answers.every(({ status }) => status === 200);
    });
  }

  private async manage(env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
    const [command = '', ...words] = [
      ...this.network.enter('conductor1'),
      process.execPath,
      join(repositoryRoot(), 'dist/cmd/manage.js'),
      ...args,
    ];
    const result = await runProgram(command, words, { env });
    if (result.status !== 0) throw new Error(`kerbside-manage ${args.join(' ')}: ${result.stderr.trim()}`);
    return result.stdout.trim();
  }
}
