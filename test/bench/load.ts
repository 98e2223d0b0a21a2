// SPDX-License-Identifier: Apache-2.0
// The C programs of the benchmark: compiles them; starts the two of the load generator and speaks their line protocol
// (see client.c). The third, the native ceiling, is a peer like others.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { runProgram } from '../fixtures/program.js';
import { repositoryRoot } from '../fixtures/repository.js';

/** How the client speaks through a proxy; `wsspice`: SPICE within WebSockets. */
export type Dialect = 'tls' | 'ws' | 'spice' | 'wsspice';

/** Where a client connects to. */
export interface Door {
  readonly port: number;
  readonly dialect: Dialect;
  /** Console tokens, one for each session that the channels are spread over. */
  readonly tokens: readonly string[];
}

/** What the channels of a client do. */
export type Work =
  | { readonly kind: 'flood'; readonly channels: number; readonly body: number; readonly rate?: number }
  | { readonly kind: 'verify'; readonly channels: number; readonly body: number; readonly limit: number }
  | { readonly kind: 'ping' }
  | { readonly kind: 'setup'; readonly channels: number }
  | { readonly kind: 'idle'; readonly channels: number };

/** What a client has done so far. */
export interface Mark {
  /** Monotonic clock, seconds. */
  readonly at: number;
  readonly bytes: number;
  readonly operations: number;
}

/** Latencies of a client's pings or set-ups, in microseconds. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

type Pipes = ChildProcessByStdio<Writable, Readable, null>;

/** Seconds after which a silent load program is given up. */
const PATIENCE = 60;

const running = new Set<Pipes>();

/** Ends every load program that is still there. */
export function endLoad(): void {
  for (const child of running) child.kill('SIGKILL');
}

/**
 * Compiles backend, client and native into `dir`.
 *
 * @throws Error with the compiler's words
 */
export async function compileLoad(dir: string): Promise<void> {
  const source = (name: string): string => join(repositoryRoot(), 'test/bench', name);
  for (const name of ['backend', 'client', 'native']) {
    const args = [
      '-O2',
      '-Wall',
      '-Wextra',
      '-pthread',
      source(`${name}.c`),
      '-o',
      join(dir, name),
      '-lssl',
      '-lcrypto',
    ];
    const result = await runProgram('gcc', args, { timeoutMs: 60_000 });
    if (result.status !== 0) throw new Error(`gcc: ${result.stderr.trim()}`);
  }
}

/** One load program and the lines that it prints. */
class LoadProgram {
  private readonly lines: string[] = [];
  private wake: () => void = () => undefined;
  private ended = false;

  constructor(
    private readonly name: string,
    private readonly child: Pipes,
  ) {
    running.add(child);
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(line);
      this.wake();
    });
    child.once('close', () => {
      this.ended = true;
      running.delete(child);
      this.wake();
    });
    child.stdin.on('error', () => undefined); // it has ended: line() says so
  }

  say(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  /** The words of the next line that starts with `first`. @throws Error when the program fails, ends or is silent. */
  async line(first: string): Promise<string[]> {
    const deadline = Date.now() + PATIENCE * 1000;
    for (;;) {
      const words = this.lines.shift()?.split(' ');
      if (words?.[0] === first) return words;
      if (words?.[0] === 'error') throw new Error(`${this.name}: ${words.slice(1).join(' ')}`);
      if (words !== undefined) continue;
      if (this.ended) throw new Error(`${this.name} ended unexpectedly`);
      if (Date.now() > deadline) throw new Error(`${this.name}: no "${first}" within ${PATIENCE} s`);
      await this.nextLine();
    }
  }

  async end(): Promise<void> {
    if (this.ended) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }

  private async nextLine(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1000);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Starts the backend on these ports; gives the function that ends it. */
export async function startBackend(dir: string, ports: readonly number[]): Promise<() => Promise<void>> {
  const child = spawn(join(dir, 'backend'), ports.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  const program = new LoadProgram('backend', child);
  await program.line('ready');
  return () => program.end();
}

/** A running client, its channels open. */
export class LoadClient {
  private constructor(private readonly program: LoadProgram) {}

  /** Opens the channels. @throws Error when one cannot be opened. */
  static async start(dir: string, door: Door, work: Work): Promise<LoadClient> {
    const { kind, ...options } = work;
    const args = ['--port', `${door.port}`, '--dialect', door.dialect, '--work', kind];
    for (const [name, value] of Object.entries(options)) args.push(`--${name}`, String(value));
    for (const token of door.tokens) args.push('--token', token);
    const child = spawn(join(dir, 'client'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const client = new LoadClient(new LoadProgram(`client (${door.dialect}, ${kind})`, child));
    await client.program.line('ready');
    return client;
  }

  go(): void {
    this.program.say('go');
  }

  async mark(): Promise<Mark> {
    this.program.say('mark');
    const [, at, bytes, operations] = await this.program.line('mark');
    return { at: Number(at) / 1e9, bytes: Number(bytes), operations: Number(operations) };
  }

  /** Resolves when all bytes have arrived as they were sent. */
  async verified(): Promise<void> {
    await this.program.line('verified');
  }

  /** Ends the client; gives its latencies. */
  async quit(): Promise<Latency> {
    this.program.say('quit');
    const [, count, p50, p99, max] = await this.program.line('samples');
    await this.program.end();
    return {
      count: Number(count),
      p50: Number(p50) / 1000,
      p99: Number(p99) / 1000,
      max: Number(max) / 1000,
    };
  }
}
