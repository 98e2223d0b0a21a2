// SPDX-License-Identifier: Apache-2.0
// The private network of the cluster: one network namespace for each machine, and one that holds the two switches
// (bridges) between them. Nothing of it touches the interfaces of the machine that it runs on, and all of it goes with
// its namespaces.
//   data     clients, balancer, hypervisors, nodes        control  database, broker, nodes
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

/** A segment; each machine has an interface of this name. */
export type Segment = 'data' | 'control';

/** The machines, in the order of their addresses. */
export const MACHINES = [
  'balancer',
  'clients',
  'hypervisor',
  'database',
  'broker',
  'api1',
  'api2',
  'proxy1',
  'proxy2',
  'conductor1',
  'conductor2',
] as const;

/** A machine of the cluster. */
export type Machine = (typeof MACHINES)[number];

const SEGMENTS: readonly Segment[] = ['data', 'control'];
/** Networks for documentation: no real machine has these addresses. */
const NETWORKS: Readonly<Record<Segment, string>> = { data: '198.51.100', control: '203.0.113' };
const FIRST_HOST = 10;
/** Addresses of the clients beside their first, so that one can be told from another. */
const CLIENT_HOSTS = [101, 102, 103, 104];
const NAMES = /^kerbside-(\d+)-\w+$/;

/** The network of one run. */
export class Network {
  /** @param prefix `kerbside-<pid>`: names that no other run has, and that tell whose they are */
  constructor(readonly prefix: string) {}

  /** Address of a machine. */
  address(machine: Machine, segment: Segment): string {
    return `${NETWORKS[segment]}.${FIRST_HOST + MACHINES.indexOf(machine)}`;
  }

  /** The addresses that clients may come from. */
  get clientAddresses(): string[] {
    return CLIENT_HOSTS.map((host) => `${NETWORKS.data}.${host}`);
  }

  /** Words that run the command after them on a machine. */
  enter(machine: Machine): string[] {
    return ['nsenter', `--net=/run/netns/${this.namespace(machine)}`, '--'];
  }

  /** Makes everything. @throws Error with ip's words */
  create(): void {
    const hub = this.namespace('switch');
    ip('netns', 'add', hub);
    for (const segment of SEGMENTS) {
      ip('-n', hub, 'link', 'add', segment, 'type', 'bridge');
      ip('-n', hub, 'link', 'set', segment, 'up');
    }
    for (const machine of MACHINES) this.plug(machine, hub);
    const clients = this.namespace('clients');
    for (const address of this.clientAddresses) {
      ip('-n', clients, 'address', 'add', `${address}/24`, 'dev', 'data');
    }
  }

  /** Takes a machine off a segment; its own interface stays up, so that packets vanish without a word. */
  cut(machine: Machine, segment: Segment): void {
    ip('-n', this.namespace('switch'), 'link', 'set', port(machine, segment), 'nomaster');
  }

  /** Puts it back. */
  heal(machine: Machine, segment: Segment): void {
    ip('-n', this.namespace('switch'), 'link', 'set', port(machine, segment), 'master', segment);
  }

  /** Ends every process inside and removes everything, however much of it there is. */
  remove(): void {
    for (const namespace of namespaces().filter((name) => name.startsWith(`${this.prefix}-`))) {
      for (const pid of ip('netns', 'pids', namespace).split(/\s+/).filter(Boolean)) {
        end(Number(pid));
      }
      ip('netns', 'delete', namespace);
    }
  }

  private plug(machine: Machine, hub: string): void {
    const namespace = this.namespace(machine);
    ip('netns', 'add', namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    for (const segment of SEGMENTS) {
      const end = port(machine, segment);
      ip('-n', hub, 'link', 'add', end, 'type', 'veth', 'peer', 'name', segment, 'netns', namespace);
      ip('-n', hub, 'link', 'set', end, 'master', segment, 'up');
      ip('-n', namespace, 'address', 'add', `${this.address(machine, segment)}/24`, 'dev', segment);
      ip('-n', namespace, 'link', 'set', segment, 'up');
    }
  }

  private namespace(machine: Machine | 'switch'): string {
    return `${this.prefix}-${machine}`;
  }
}

/** Removes what runs left behind that were killed before they could. */
export function removeStaleNetworks(): void {
  const owners = new Set(namespaces().map((name) => Number(NAMES.exec(name)?.[1] ?? 0)));
  for (const pid of owners) {
    if (pid !== 0 && !isAlive(pid)) new Network(`kerbside-${pid}`).remove();
  }
}

function namespaces(): string[] {
  try {
    return readdirSync('/run/netns').filter((name) => NAMES.test(name));
  } catch {
    return [];
  }
}

// An interface name has at most 15 characters.
function port(machine: Machine, segment: Segment): string {
  return `${segment.slice(0, 4)}-${machine}`;
}

function ip(...words: string[]): string {
  return execFileSync('ip', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
