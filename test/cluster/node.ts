// SPDX-License-Identifier: Apache-2.0
// One Kerbside program on a machine of its own: started, killed, drained, stopped for a while, started again.
import { join } from 'node:path';
import { type Program, startProgram, waitFor } from '../fixtures/program.js';
import { repositoryRoot } from '../fixtures/repository.js';
import type { Machine, Network } from './network.js';

/** The programs of the cluster. */
export type Role = 'api' | 'proxy' | 'conductor';

/** A machine that runs a program of Kerbside. */
export type NodeName = 'api1' | 'api2' | 'proxy1' | 'proxy2' | 'conductor1' | 'conductor2';

const START_MS = 30_000;
/** [proxy] drain_timeout of the site, what a program may take to close, and a slow machine. */
const DRAIN_MS = 45_000;

/** One program on its machine. */
export class Node {
  private program: Program | null = null;
  private starts = 0;

  constructor(
    readonly name: NodeName & Machine,
    readonly role: Role,
    private readonly network: Network,
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** The program's name, as the services table has it. */
  get binary(): string {
    return `kerbside-${this.role}`;
  }

  /** Address on the data segment. */
  get address(): string {
    return this.network.address(this.name, 'data');
  }

  /** 0 before the first start. */
  get pid(): number {
    return this.program?.pid ?? 0;
  }

  get running(): boolean {
    return this.program !== null && this.program.ended() === null;
  }

  /** All that it has logged, over all its starts. */
  get log(): string {
    return this.program?.output() ?? '';
  }

  /** Starts the program and waits until it says that it is ready. @throws Error with its last words */
  async start(): Promise<void> {
    const [command, ...words] = [
      ...this.network.enter(this.name),
      process.execPath,
      join(repositoryRoot(), `dist/cmd/${this.role}.js`),
    ];
    const program = await startProgram(command, words, {
      logFile: join(this.folder, `${this.name}.log`),
      env: this.env,
    });
    this.program = program;
    this.starts += 1;
    const ready = `${this.binary} is ready`;
    try {
      await waitFor(
        `start of ${this.name}`,
        () => {
          if (program.ended() !== null) throw new Error(`it ended with ${program.ended()}`);
          return program.output().split(ready).length > this.starts;
        },
        { giveUpMs: START_MS },
      );
    } catch (cause) {
      await program.stop(1000);
      throw new Error(`${this.name} did not start: ${program.output().trim().slice(-1500)}`, { cause });
    }
  }

  /** Sends a signal to the program's first process. */
  signal(signal: NodeJS.Signals): void {
    this.program?.child.kill(signal);
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await waitFor(`end of ${this.name}`, () => !this.running, { everyMs: 5 });
  }

  /** SIGTERM, and waits for the end of the drain. Gives the exit status. */
  async drain(): Promise<number | string> {
    if (this.program === null) throw new Error(`${this.name} was never started`);
    return this.program.stop(DRAIN_MS);
  }
}
