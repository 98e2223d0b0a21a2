// SPDX-License-Identifier: Apache-2.0
// The relay workers as processes: forks them through node:cluster so that they share the ports, replaces the dead,
// carries messages, waits until they are drained.
import cluster, { type Worker } from 'node:cluster';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { secretNames } from '../../conf/environment.js';
import { Conflict, StartupError } from '../../exception.js';
import { loggerFor } from '../../log.js';
import type { TlsMaterial } from '../../tls/certificates.js';
import type { WorkerName } from './channel-registry.js';
import { MessageBatcher } from '../message-batcher.js';
import { TAP_DESCRIPTOR } from '../recording-wire.js';
import type {
  Answer,
  RelaySettings,
  SupervisorMessage,
  WorkerMessage,
  WorkerNote,
  WorkerRequest,
} from '../ipc.js';

const log = loggerFor('kerbside.console.worker-pool');

/** For how long a worker may take to bind its ports. */
const START_TIMEOUT_MS = 20_000;
/** The wait before a worker that died young is replaced. */
const REPLACE_PAUSE_MS = 1000;

/**
 * Memory of idle channels: each TLS socket holds a 64 KiB block of which a page is touched. As a mapping of its own
 * only that page counts; a small young generation keeps short-lived garbage small. Measured with
 * tox-style-scripts/bench.
 */
const WORKER_ENV = {
  MALLOC_MMAP_THRESHOLD_: '65536',
  // Secrets of the supervisor: the process that reads untrusted bytes does not need them.
  ...Object.fromEntries(secretNames().map((name) => [name, undefined])),
};
/** As cluster has it, and a pipe behind it: TAP_DESCRIPTOR. */
const STDIO: ('inherit' | 'ipc' | 'pipe')[] = ['inherit', 'inherit', 'inherit', 'ipc', 'pipe'];
const WORKER_FLAGS = ['--max-semi-space-size=2'];

/** The ports that the workers share. */
export interface Ports {
  readonly secure: readonly number[];
  readonly insecure: readonly number[];
}

/** Sends a worker a message. */
export type WorkerSender = (workerId: number, message: SupervisorMessage) => void;

/** Handles what the workers send, and their ends. */
export interface WorkerListener {
  /** Answers a request; a rejection is sent to the worker as an error. */
  request(worker: WorkerName, body: WorkerRequest): Promise<Answer>;
  /** Takes a note. */
  note(worker: WorkerName, note: WorkerNote): void;
  /** A worker is there: takes what it tells of channels that are recorded or inspected. */
  tapped(workerId: number): (bytes: Buffer) => void;
  /** A worker has ended; `expected` when it was ordered to. */
  died(worker: WorkerName, expected: boolean): void;
}

/** All relay workers of this process. */
export class WorkerPool {
  private readonly batchers = new Map<number, MessageBatcher<SupervisorMessage>>();
  private readonly listening = new Set<number>();
  private readonly drained = new Set<number>();
  private readonly waiters = new Set<() => void>();
  private ending = false;

  constructor(
    private readonly settings: RelaySettings,
    private tls: TlsMaterial,
    private readonly listener: WorkerListener,
  ) {
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({
      exec: fileURLToPath(new URL('../worker.js', import.meta.url)),
      args: [],
      execArgv: WORKER_FLAGS,
      stdio: STDIO,
    });
  }

  /** How many workers run. */
  get size(): number {
    return running().length;
  }

  /** Whether there is a worker that clients can reach. */
  get reachable(): boolean {
    return this.listening.size > 0;
  }

  /**
   * Forks `count` workers; returns once all listen.
   *
   * @throws StartupError when one cannot
   */
  async start(count: number): Promise<Ports> {
    const ready = await Promise.all(Array.from({ length: count }, () => this.fork()));
    return ready[0] ?? { secure: [], insecure: [] };
  }

  /** Sends one worker a message. */
  send(workerId: number, message: SupervisorMessage): void {
    this.batchers.get(workerId)?.put(message);
  }

  /** Gives all workers another certificate, also those that start later. */
  useCertificates(material: TlsMaterial): void {
    this.tls = material;
    this.broadcast({ op: 'tls', tls: material });
  }

  /** Lets the workers accept nothing more; resolves when they have no connection left, or after `timeout` ms. */
  drain(timeout: number): Promise<void> {
    this.ending = true;
    this.broadcast({ op: 'drain' });
    return this.whenDrained(timeout);
  }

  /** Ends all connections, then all workers. */
  async stop(timeout: number): Promise<void> {
    this.ending = true;
    this.drained.clear();
    this.broadcast({ op: 'stop', reason: 'proxy shut down' });
    await this.whenDrained(timeout);
    for (const worker of running()) worker.process.kill('SIGKILL');
  }

  private fork(): Promise<Ports> {
    const worker = cluster.fork(WORKER_ENV);
    this.batchers.set(worker.id, batcherOf(worker));
    const startedAt = performance.now();
    this.readTaps(worker);
    return new Promise<Ports>((resolve, reject) => {
      const fail = (message: string): void => {
        clearTimeout(late);
        reject(new StartupError(message));
        worker.process.kill('SIGKILL');
      };
      const late = setTimeout(() => fail('a relay worker did not start in time'), START_TIMEOUT_MS);
      const receive = (message: WorkerMessage): void => {
        if (message.op === 'request') this.answer(worker, message.id, message.body);
        else if (message.body.op === 'loaded')
          this.send(worker.id, { op: 'start', settings: this.settings, tls: this.tls });
        else if (message.body.op === 'failed') fail(message.body.message);
        else if (message.body.op === 'drained') this.markDrained(worker.id);
        else if (message.body.op === 'ready') {
          clearTimeout(late);
          this.listening.add(worker.id);
          resolve(message.body);
        } else this.listener.note(nameOf(worker), message.body);
      };
      worker.on('message', (batch: WorkerMessage[]) => batch.forEach(receive));
      worker.on('error', (error: NodeJS.ErrnoException) => {
        // Its exit says the same, with the reason.
        if (error.code !== 'EPIPE' && error.code !== 'ERR_IPC_CHANNEL_CLOSED')
          log.error('relay worker channel fault', { worker: worker.id, error });
      });
      worker.once('exit', (code, signal) => {
        fail('a relay worker ended while it started');
        this.exited(worker, code, signal, performance.now() - startedAt);
      });
    });
  }

  private readTaps(worker: Worker): void {
    const pipe = worker.process.stdio[TAP_DESCRIPTOR] as Readable | null | undefined;
    pipe?.on('data', this.listener.tapped(worker.id));
    // Its exit tells.
    pipe?.on('error', () => undefined);
  }

  private exited(worker: Worker, code: number, signal: string, livedMs: number): void {
    this.batchers.delete(worker.id);
    this.listening.delete(worker.id);
    this.listener.died(nameOf(worker), this.ending);
    this.markDrained(worker.id);
    if (this.ending) return;
    log.error('a relay worker died; replacing it', { worker: worker.id, code, signal });
    setTimeout(() => void this.replace(), livedMs < START_TIMEOUT_MS ? REPLACE_PAUSE_MS : 0);
  }

  private async replace(): Promise<void> {
    if (this.ending) return;
    try {
      await this.fork();
    } catch (error) {
      // Its exit brings the next attempt.
      log.error('a relay worker could not be replaced', { error: error as Error });
    }
  }

  private answer(worker: Worker, id: number, body: WorkerRequest): void {
    this.listener.request(nameOf(worker), body).then(
      (answer) => this.send(worker.id, { op: 'reply', id, ok: true, answer }),
      (error: unknown) => {
        // A session that ended meanwhile is expected; the worker logs the end of its channel.
        if (!(error instanceof Conflict))
          log.error(`control plane could not ${body.op}`, { error: error as Error });
        this.send(worker.id, {
          op: 'reply',
          id,
          ok: false,
          to: body.op,
          error: error instanceof Error ? error.message : 'unknown',
        });
      },
    );
  }

  /** Sends all workers a message. */
  broadcast(message: SupervisorMessage): void {
    for (const worker of running()) this.send(worker.id, message);
  }

  private markDrained(workerId: number): void {
    this.drained.add(workerId);
    for (const check of this.waiters) check();
  }

  private async whenDrained(timeout: number): Promise<void> {
    const done = (): boolean => running().every((worker) => this.drained.has(worker.id));
    if (done()) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(late);
        this.waiters.delete(check);
        resolve();
      };
      const check = (): void => {
        if (done()) finish();
      };
      const late = setTimeout(finish, timeout);
      this.waiters.add(check);
    });
  }
}

function running(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}

function nameOf(worker: Worker): WorkerName {
  return { id: worker.id, pid: worker.process.pid ?? 0 };
}

function batcherOf(worker: Worker): MessageBatcher<SupervisorMessage> {
  return new MessageBatcher((batch) => {
    if (worker.isConnected()) worker.send(batch);
  });
}
