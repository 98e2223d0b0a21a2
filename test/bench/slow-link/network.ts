// SPDX-License-Identifier: Apache-2.0
// The network of a run: the bench, the guests and the proxies are in the namespace that it was started in, the client in
// another, and the link emulator (link.c) in between. Both namespaces vanish with the last process in them.
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { LinkProfile } from './link-profile.js';

/** Where guests and proxies listen; an address for documentation, that no real machine has. */
export const SERVER_ADDRESS = '198.51.100.1';
const CLIENT_ADDRESS = '198.51.100.2';
const [SERVER_DEVICE, CLIENT_DEVICE] = ['slow-server', 'slow-client'];
/** Milliseconds after which a silent emulator is given up. */
const PATIENCE_MS = 10_000;

/** Of both ends, so that no run depends on how a machine is tuned, or on what an earlier run has found out. */
const SETTINGS: Readonly<Record<string, string>> = {
  tcp_wmem: '4096 16384 4194304',
  tcp_rmem: '4096 131072 6291456',
  tcp_no_metrics_save: '1',
};

/** What most machines have; by route, since a namespace may not choose it for all. */
const CONGESTION_CONTROL = 'cubic';

/** Packets so far, both directions together. */
export interface LinkCounts {
  readonly packets: number;
  /** That found the queue full. */
  readonly dropped: number;
  readonly lost: number;
}

/** The two namespaces and the link between them. */
export class Network {
  private readonly answers: string[] = [];
  private wake: () => void = () => undefined;

  private constructor(private readonly child: ChildProcessByStdio<Writable, Readable, null>) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.answers.push(line);
      this.wake();
    });
    child.once('close', () => this.wake());
    child.stdin.on('error', () => undefined); // it has ended: answer() says so
  }

  /**
   * Makes the network. To be called in a namespace of the bench's own, whose addresses it sets.
   *
   * @param emulator path of the compiled link.c
   * @throws Error when devices or addresses cannot be made
   */
  static async create(emulator: string): Promise<Network> {
    run('ip', 'link', 'set', 'lo', 'up');
    const child = spawn(emulator, [SERVER_DEVICE, CLIENT_DEVICE], { stdio: ['pipe', 'pipe', 'inherit'] });
    const network = new Network(child);
    try {
      await network.answer('ready');
      prepareEnd([], SERVER_DEVICE, SERVER_ADDRESS);
      prepareEnd(network.enterClient(), CLIENT_DEVICE, CLIENT_ADDRESS);
      run(...network.enterClient(), 'ip', 'link', 'set', 'lo', 'up');
    } catch (error) {
      await network.close();
      throw error;
    }
    return network;
  }

  /** Words that run the command after them in the client's namespace. */
  enterClient(): [string, ...string[]] {
    return ['nsenter', `--net=/proc/${this.child.pid ?? 0}/ns/net`, '--'];
  }

  /** Makes the link such, from the next packet on. @param seed of the losses; 0: they go on as they were */
  async shape(profile: LinkProfile, mbit = profile.mbit, seed = 0): Promise<LinkCounts> {
    const { roundTripMs, queueBytes, lostOfMillion } = profile;
    const words = [roundTripMs * 1000, mbit * 1000, queueBytes, lostOfMillion, seed].map(Math.round);
    return this.ask(`set ${words.join(' ')}`);
  }

  async counts(): Promise<LinkCounts> {
    return this.ask('count');
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 1000);
    await closed;
    clearTimeout(timer);
  }

  private async ask(order: string): Promise<LinkCounts> {
    this.child.stdin.write(`${order}\n`);
    const [, packets, dropped, lost] = (await this.answer('done')).map(Number);
    return { packets: packets ?? 0, dropped: dropped ?? 0, lost: lost ?? 0 };
  }

  /** The words of the next answer. @throws Error when it is another one, or does not come */
  private async answer(first: string): Promise<string[]> {
    const deadline = Date.now() + PATIENCE_MS;
    while (this.answers.length === 0) {
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error('the link emulator has ended (see its message above)');
      if (Date.now() > deadline) throw new Error(`the link emulator is silent for ${PATIENCE_MS / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS);
        this.wake = (): void => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const words = this.answers.shift()?.split(' ') ?? [];
    if (words[0] !== first) throw new Error(`the link emulator says "${words.join(' ')}"`);
    return words;
  }
}

function prepareEnd(enter: readonly string[], device: string, address: string): void {
  run(...enter, 'ip', 'address', 'add', `${address}/24`, 'dev', device);
  run(...enter, 'ip', 'link', 'set', device, 'up', 'mtu', '1500', 'txqueuelen', '10000');
  const route = [address.replace(/\d+$/, '0/24'), 'dev', device, 'src', address];
  run(...enter, 'ip', 'route', 'replace', ...route, 'congctl', CONGESTION_CONTROL);
  for (const [name, value] of Object.entries(SETTINGS))
    run(...enter, 'sh', '-c', 'echo "$1" >"/proc/sys/net/ipv4/$0"', name, value);
}

function run(...words: string[]): void {
  const [command = '', ...rest] = words;
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  execFileSync(command, rest, {
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: PATIENCE_MS,
  });
}
