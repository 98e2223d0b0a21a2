// SPDX-License-Identifier: Apache-2.0
// HAProxy in front of the cluster, as an operator would set it up: the REST service by request, SPICE by connection,
// round robin, health checks on /healthcheck, the client's address by the PROXY protocol.
import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { type Program, startProgram, waitFor } from '../fixtures/program.js';
import type { Machine, Network } from './network.js';

/** Ports of the services, the same at the balancer and at the nodes. */
export const PORTS = { api: 13002, secure: 5900, insecure: 5901, metrics: 13003 } as const;

const APIS: readonly Machine[] = ['api1', 'api2'];
const PROXIES: readonly Machine[] = ['proxy1', 'proxy2'];

/** The balancer. */
export class Balancer {
  private program: Program | null = null;

  constructor(
    private readonly network: Network,
    private readonly folder: string,
  ) {}

  get address(): string {
    return this.network.address('balancer', 'data');
  }

  /** Starts it and waits until it takes every node for healthy. @throws Error with its words */
  async start(): Promise<void> {
    const file = join(this.folder, 'haproxy.cfg');
    writeFileSync(file, this.configuration());
    const [command, ...words] = [...this.network.enter('balancer'), 'haproxy', '-db', '-f', file];
    const program = await startProgram(command, words, { logFile: join(this.folder, 'haproxy.log') });
    this.program = program;
    try {
      await this.settled();
    } catch (cause) {
      throw new Error(`HAProxy did not start: ${program.output().trim().slice(-1500)}`, { cause });
    }
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.program?.child.kill('SIGKILL');
    await waitFor('end of HAProxy', () => this.program?.ended() !== null, { everyMs: 5 });
  }

  /** Servers that it has checked and takes for healthy. */
  async healthy(): Promise<string[]> {
    const [names = '', ...lines] = (await ask(this.socket, 'show stat')).split('\n');
    const column = (name: string): number => names.replace(/^# /, '').split(',').indexOf(name);
    const [server, status, check] = [column('svname'), column('status'), column('check_status')];
    return lines
      .map((line) => line.split(','))
      .filter((cells) => cells[status] === 'UP' && /^(\* )?L\dOK/.test(cells[check] ?? ''))
      .map((cells) => cells[server] ?? '');
  }

  /** Waits until it takes exactly the given machines (all of them when not given) for healthy. */
  async settled(machines: readonly string[] = [...APIS, ...PROXIES], timeoutMs = 20_000): Promise<void> {
    const wanted = new Set(machines);
    await waitFor(
      `balancer with ${machines.join(', ')} alone`,
      async () => {
        const names = await this.healthy();
        return names.length === wanted.size && names.every((name) => wanted.has(name));
      },
      { giveUpMs: timeoutMs },
    );
  }

  private get socket(): string {
    return join(this.folder, 'haproxy.sock');
  }

  private configuration(): string {
    const servers = (
      machines: readonly Machine[],
      service: keyof typeof PORTS,
      words: (machine: Machine) => string,
    ): string =>
      machines
        .map((machine) => {
          const address = `${this.network.address(machine, 'data')}:${PORTS[service]}`;
          return `  server ${machine} ${address} ${words(machine)}`;
        })
        .join('\n');
    return `global
  stats socket ${this.socket} mode 600 level admin
  maxconn 4000
defaults
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout check 2s
  timeout queue 5s
  retries 3
  option redispatch 1
  default-server inter 500ms fall 2 rise 2
frontend api
  mode http
  timeout client 65s
  bind ${this.address}:${PORTS.api}
  default_backend api
backend api
  mode http
  balance roundrobin
  timeout server 30s
  option httpchk GET /healthcheck
  option forwardfor
  retry-on conn-failure
${servers(APIS, 'api', () => 'check')}
frontend spice
  mode tcp
  bind ${this.address}:${PORTS.secure}
  default_backend spice
backend spice
  mode tcp
  balance roundrobin
  option httpchk GET /healthcheck
${servers(PROXIES, 'secure', () => `check port ${PORTS.metrics} send-proxy-v2`)}
frontend plain
  mode tcp
  bind ${this.address}:${PORTS.insecure}
  default_backend plain
backend plain
  mode tcp
  balance roundrobin
${servers(PROXIES, 'insecure', (machine) => `track spice/${machine} send-proxy-v2`)}
`;
  }
}

/** Asks HAProxy's own socket. */
async function ask(path: string, command: string): Promise<string> {
  const socket = createConnection(path);
  const deadline = setTimeout(() => socket.destroy(new Error('HAProxy does not answer')), 3000);
  try {
    socket.write(`${command}\n`);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text;
  } finally {
    clearTimeout(deadline);
    socket.destroy();
  }
}
