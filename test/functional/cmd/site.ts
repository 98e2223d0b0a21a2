// SPDX-License-Identifier: Apache-2.0
// A small site for the built programs: a private folder with a certificate, an empty sources file and a
// configuration whose listeners take any free port on loopback.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../../fixtures/certificates.js';
import { runProgram, startProgram, waitFor } from '../../fixtures/program.js';
import type { Program, ProgramResult } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';

/** The built programs, by the name of their file. */
export type ProgramName = 'kerbside' | 'api' | 'proxy' | 'conductor' | 'html5proxy' | 'manage' | 'status';

/** How to start a service. */
export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Its log file, when it does not log to its output. */
  readonly log?: string;
}

/** A line of the log that tells a port. */
const LISTENING = / INFO kerbside\.api \[-\] REST API listening address=\S+ port=(\d+)/;

/** A folder with everything that the programs need. */
export class Site {
  readonly folder = scratchFolder('kerbside-site-');
  readonly conf = join(this.folder, 'kerbside.conf');
  readonly seed = 'a seed for tests, and for tests only';
  private readonly running: Program[] = [];
  private logs = 0;

  constructor() {
    const authority = new Authority(this.folder, 'site');
    const { certPath, keyPath } = authority.issue();
    const sources = join(this.folder, 'sources.yaml');
    writeFileSync(sources, '[]\n');
    const groups = {
      DEFAULT: { state_path: this.folder, node_name: 'test-node' },
      api: { address: '127.0.0.1', port: 0, auth_secret_seed: this.seed },
      sources: { path: sources },
      spice: {
        address: '127.0.0.1',
        secure_port: 0,
        insecure_port: 0,
        public_secure_port: 5900,
        public_fqdn: 'localhost',
        cert_path: certPath,
        key_path: keyPath,
        cacert_path: authority.caPath,
      },
      metrics: { port: 0, conductor_port: 0, html5proxy_port: 0 },
    };
    const lines = Object.entries(groups).flatMap(([group, options]) => [
      `[${group}]`,
      ...Object.entries(options).map(([option, value]) => `${option} = ${value}`),
    ]);
    writeFileSync(this.conf, `${lines.join('\n')}\n`);
  }

  /** Runs a program to its end. `env` adds to an otherwise empty environment. */
  run(name: ProgramName, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ProgramResult> {
    const line = [`dist/cmd/${name}.js`, '--config-file', this.conf, ...args];
    return runProgram(process.execPath, line, {
      env: { PATH: process.env['PATH'], ...env },
      timeoutMs: 60_000,
    });
  }

  /** Starts a service and waits until it says, in its output or in `log`, that it is ready. */
  async start(name: ProgramName, options: StartOptions = {}): Promise<Program> {
    const { args = [], env = {}, log } = options;
    const line = [`dist/cmd/${name}.js`, '--config-file', this.conf, ...args];
    this.logs += 1;
    const program = await startProgram(process.execPath, line, {
      logFile: join(this.folder, `${name}-${this.logs}.log`),
      env: { PATH: process.env['PATH'], ...env },
    });
    this.running.push(program);
    const said = (): string => (log === undefined ? program.output() : readFileSync(log, 'utf8'));
    await waitFor(`ready ${name}`, () => program.ended() !== null || said().includes(' is ready\n'));
    if (program.ended() !== null) throw new Error(`${name} ended: ${program.output()}`);
    return program;
  }

  /** Ends what still runs and removes the folder. */
  async close(): Promise<void> {
    await Promise.all(this.running.map((program) => program.stop(1000)));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The port of the REST service, from the program's log. */
export function apiPort(program: Program): number {
  return Number(LISTENING.exec(program.output())?.[1]);
}
