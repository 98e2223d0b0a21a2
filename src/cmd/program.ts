// SPDX-License-Identifier: Apache-2.0
// The life of a service program: read the configuration, open the database, start the parts, wait for a signal, stop.
//   first SIGTERM or SIGINT: drain (accept nothing new, let sessions run for [proxy] drain_timeout), then close
//   second one: close at once        SIGHUP: read again what may change        exit status 0 after a stop
// What fails before the start is done ends in a line for each fault on standard error and exit status 1.
import type { INestApplicationContext } from '@nestjs/common';
import { checkSeed, describeConf, describeFixedConf, loadConf } from '../conf/index.js';
import type { Conf, ConfArgs } from '../conf/index.js';
import { configureLogging, loggerFor, reopenLog } from '../log.js';
import type { Logger } from '../log.js';
import { doneWithin } from '../net/deadline.js';
import { KerbsideException, StartupError } from '../exception.js';
import { ServiceLife } from '../service/life.js';
import { VERSION } from '../version.js';
import { baseCommand, confArgs } from './arguments.js';
import type { PartModule } from './context.js';
import type { InspectedProgram, Stage } from './inspection.js';
import { describeFault, reportFault } from './outcome.js';

/** What makes one program differ from another. */
export interface Program extends InspectedProgram {
  readonly name: string;
  readonly summary: string;
  /** True: bring the schema up to date; false: refuse an old one. */
  readonly syncsSchema: boolean;
  /** Loads the modules of its parts, in the order of their start; only when the configuration is good. */
  readonly modules: (conf: Conf) => Promise<readonly PartModule[]>;
}

/** Closing takes no longer than this, whatever hangs. */
const CLOSE_DEADLINE_MS = 8_000;
/** After a start that failed, ending what has started takes no longer than this. */
const GIVE_UP_MS = 3_000;
/** Draining may take this much longer than [proxy] drain_timeout before it is cut short. */
const DRAIN_SLACK_MS = 2_000;
/** How often a program under npx checks for its parent. */
const PARENT_CHECK_MS = 500;

/** One run of a program, from its configuration to its exit. */
class Run {
  private readonly log: Logger;
  private readonly life: ServiceLife;
  private app: INestApplicationContext | undefined;
  private started = false;
  private signals = 0;
  private conf: Conf;
  /** The last configuration that could be loaded. */
  private lastGood: Conf;
  private readonly warnings: readonly string[];
  /** Whether one of its parts is the REST service. */
  private readonly servesHttp: boolean;
  private reached: Stage = 'configuration';

  constructor(
    private readonly program: Program,
    private readonly args: ConfArgs,
  ) {
    this.log = loggerFor(program.name);
    const loaded = loadConf(args, process.env);
    this.servesHttp = program.parts(loaded.conf).includes('api');
    const seedWarnings = this.servesHttp ? checkSeed(loaded.conf) : [];
    this.conf = loaded.conf;
    this.lastGood = loaded.conf;
    this.warnings = [...loaded.warnings, ...seedWarnings];
    const { debug, useJson, logFile } = loaded.conf.default;
    configureLogging({ debug, useJson, file: logFile });
    this.life = new ServiceLife(this.conf.proxy.drainTimeout * 1000 + DRAIN_SLACK_MS);
  }

  /** How far the start came. */
  get stage(): Stage {
    return this.reached;
  }

  async start(): Promise<void> {
    this.log.info(`${this.program.name} ${VERSION} starting`, { node: this.conf.default.nodeName });
    for (const warning of this.warnings) this.log.warning(warning);
    for (const line of describeConf(this.conf)) this.log.debug(line);
    process.on('SIGTERM', () => this.stopRequested('SIGTERM'));
    process.on('SIGINT', () => this.stopRequested('SIGINT'));
    process.on('SIGHUP', () => this.reload());
    if (this.runByNpx()) this.endWithParent();
    try {
      // Only when the configuration is good: Nest takes a second.
      const { startService } = await import('./context.js');
      const { conf, life, servesHttp } = this;
      const { name, syncsSchema: sync } = this.program;
      const parts = await this.program.modules(conf);
      this.reached = 'parts';
      this.app = await startService({ name, conf, sync, life, parts, servesHttp });
    } catch (error) {
      // Of two faults the first is reported.
      if (!(await doneWithin(this.life.close(), GIVE_UP_MS))) this.reached = 'hanging';
      throw error;
    }
    this.started = true;
    this.log.info(`${this.program.name} is ready`);
  }

  /** npx itself (which quotes the name), not something else that npx runs and that starts this program. */
  private runByNpx(): boolean {
    const { npm_lifecycle_event: event, npm_lifecycle_script: script } = process.env;
    return event === 'npx' && script?.split(' ', 1)[0]?.replaceAll("'", '') === this.program.name;
  }

  /** npx puts a shell between itself and the program: its SIGTERM ends that shell and never comes through. */
  private endWithParent(): void {
    const parent = process.ppid;
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      if (this.signals === 0) this.stopRequested('end of npx');
    }, PARENT_CHECK_MS);
    timer.unref();
  }

  private stopRequested(signal: string): void {
    this.signals += 1;
    this.log.info('stop requested', { signal, again: this.signals > 1 });
    if (!this.started) process.exit(0);
    if (this.signals === 1) void this.stop();
    if (this.signals === 2) this.life.cutDrain();
  }

  /** Drains, closes and ends the process; a second signal ends the draining. */
  private async stop(): Promise<void> {
    const closed = this.app?.close() ?? Promise.resolve();
    await this.life.drained();
    if (!(await doneWithin(closed, CLOSE_DEADLINE_MS)))
      this.log.warning('closing took too long and is cut short');
    this.log.info(`${this.program.name} has stopped`);
    process.exit(0);
  }

  /** Applies a new log level and a new log file; the parts apply their options, and read their own files again. */
  private reload(): void {
    this.log.info('reload requested', { signal: 'SIGHUP' });
    try {
      reopenLog();
      const { conf } = loadConf(this.args, process.env);
      this.apply(conf);
      this.lastGood = conf;
    } catch (error) {
      this.report('the configuration is not taken up', error);
    }
    this.life.reload(this.lastGood);
  }

  private apply(next: Conf): void {
    const effective = new Set(describeFixedConf(this.conf));
    const changed = describeFixedConf(next).filter((line) => !effective.has(line));
    for (const line of changed) this.log.warning(`${line} takes effect after a restart only`);
    const { useJson, logFile } = this.conf.default;
    configureLogging({ debug: next.default.debug, useJson, file: logFile });
  }

  private report(sentence: string, error: unknown): void {
    this.log.error(sentence, {
      error: describeFault(error) ?? (error instanceof Error ? error : String(error)),
    });
  }
}

/**
 * Runs a service program until a signal ends it. Never returns to its caller with a fault: it prints it and exits.
 *
 * @param program what to run
 * @param argv the command line, as process.argv has it
 */
export async function runProgram(program: Program, argv: readonly string[]): Promise<void> {
  const command = baseCommand(program.name, program.summary).parse(argv);
  const die = (error: unknown): void => {
    reportFault(program.name, error, loggerFor(program.name));
    process.exit(1);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  const args = confArgs(command);
  let run: Run | undefined;
  try {
    run = new Run(program, args);
    await run.start();
  } catch (error) {
    die(await everyFault(error, program, args, run?.stage ?? 'configuration'));
  }
}

/** With the first fault of the site all others, so that they can be mended at once. */
async function everyFault(error: unknown, program: Program, args: ConfArgs, stage: Stage): Promise<unknown> {
  const fault = describeFault(error);
  if (fault === undefined) return error;
  const first = error instanceof KerbsideException ? error : new StartupError(fault);
  const { inspectStart } = await import('./inspection.js');
  return inspectStart(first, program, args, stage);
}
