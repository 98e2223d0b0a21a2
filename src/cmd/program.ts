// SPDX-License-Identifier: Apache-2.0
// The life of a service program: read the configuration, open the database, start the parts, wait for a signal, stop.
//   first SIGTERM or SIGINT: drain (accept nothing new, let sessions run for [proxy] drain_timeout), then close
//   second one: close at once        SIGHUP: read again what may change        exit status 0 after a stop
// What fails before the start is done ends in one line on standard error and exit status 1.
import { checkSeed, describeConf, loadConf } from '../conf/index.js';
import type { Conf, ConfArgs } from '../conf/index.js';
import type { Database } from '../db/database.js';
import { configureLogging, loggerFor, reopenLog } from '../log.js';
import type { Logger } from '../log.js';
import { doneWithin } from '../net/deadline.js';
import type { Heartbeat, Presence } from '../service/heartbeat.js';
import type { Messaging } from '../messaging/messaging.js';
import { ProcessMetrics } from '../service/metrics.js';
import { VERSION } from '../version.js';
import { baseCommand, confArgs } from './arguments.js';
import { describeFault, reportFault } from './outcome.js';

/** A running part of a program. */
export interface Part {
  /** Tells load balancers to go elsewhere. */
  setDraining?(): void;
  /** Accepts nothing new; resolves when the last session has ended, or its time is up. */
  drain?(): Promise<void>;
  /** Reads again what may change without a restart. */
  reload?(): void;
  /** What the part says of itself in the list of services: small, no secrets. */
  report?(): Readonly<Record<string, unknown>>;
  /**
   * This process had been declared down (what it serves is closed in the records) and is back: makes the records true
   * again. Called anew when it rejects.
   */
  recovered?(): Promise<void>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

/** What the parts of a program share. */
export interface Services {
  readonly conf: Conf;
  readonly db: Database;
  readonly messaging: Messaging;
  /** What this process shows to Prometheus, when a part of it serves that. */
  readonly metrics: ProcessMetrics;
  /** What this process may be sure of: whether others can have taken it for dead. */
  readonly presence: Presence;
  /** What the parts of this process say of themselves, together. */
  readonly describe: () => Readonly<Record<string, unknown>>;
  /** The name of the program. */
  readonly program: string;
}

/** Loads the code of a part (only when the configuration is good: Nest alone takes seconds) and starts it. */
export type StartPart = (services: Services) => Promise<Part>;

/** What makes one program differ from another. */
export interface Program {
  readonly name: string;
  readonly summary: string;
  /** True: refuse to start without [api] auth_secret_seed. */
  readonly signsTokens: boolean;
  /** True: bring the schema up to date; false: refuse an old one. */
  readonly syncsSchema: boolean;
  /** In the order of their start. */
  readonly parts: readonly StartPart[];
}

/** Closing takes no longer than this, whatever hangs. */
const CLOSE_DEADLINE_MS = 8_000;
/** Signing off takes no longer than this. */
const GOODBYE_MS = 1_000;
/** Draining may take this much longer than [proxy] drain_timeout before it is cut short. */
const DRAIN_SLACK_MS = 2_000;
/** How often a program under npx looks for its parent. */
const PARENT_LOOK_MS = 500;

/** One run of a program, from its configuration to its exit. */
class Run {
  private readonly parts: Part[] = [];
  private readonly log: Logger;
  private db: Database | undefined;
  private messaging: Messaging | undefined;
  private heartbeat: Heartbeat | undefined;
  private started = false;
  private signals = 0;
  private closing = false;
  private conf: Conf;
  private readonly warnings: readonly string[];

  constructor(
    private readonly program: Program,
    private readonly args: ConfArgs,
  ) {
    this.log = loggerFor(program.name);
    const loaded = loadConf(args, process.env);
    const seedWarnings = program.signsTokens ? checkSeed(loaded.conf) : [];
    this.conf = loaded.conf;
    this.warnings = [...loaded.warnings, ...seedWarnings];
    const { debug, useJson, logFile } = loaded.conf.default;
    configureLogging({ debug, useJson, file: logFile });
  }

  async start(): Promise<void> {
    this.log.info(`${this.program.name} ${VERSION} starting`, { node: this.conf.default.nodeName });
    for (const warning of this.warnings) this.log.warning(warning);
    for (const line of describeConf(this.conf)) this.log.debug(line);
    process.on('SIGTERM', () => this.stopRequested('SIGTERM'));
    process.on('SIGINT', () => this.stopRequested('SIGINT'));
    process.on('SIGHUP', () => this.reload());
    if (this.runByNpx()) this.endWithParent();
    const { openDatabase } = await import('../db/database.js');
    this.db = await openDatabase(this.conf.database, { sync: this.program.syncsSchema });
    const { openMessaging } = await import('../messaging/messaging.js');
    this.messaging = openMessaging(this.conf, this.program.name);
    this.heartbeat = await this.makeHeartbeat(this.db);
    await this.heartbeat.start();
    try {
      const { conf, db, messaging, heartbeat: presence } = this;
      const { name: program } = this.program;
      const describe = (): Readonly<Record<string, unknown>> => this.describe();
      const metrics = new ProcessMetrics();
      const services = { conf, db, messaging, presence, program, metrics, describe };
      for (const part of this.program.parts) this.parts.push(await part(services));
    } catch (error) {
      // Of two faults the first is the one to tell.
      const goodbye = this.heartbeat.stop().catch(() => undefined);
      await doneWithin(goodbye, GOODBYE_MS);
      throw error;
    }
    this.started = true;
    this.log.info(`${this.program.name} is ready`);
  }

  private async makeHeartbeat(db: Database): Promise<Heartbeat> {
    const { Heartbeat } = await import('../service/heartbeat.js');
    const { Services } = await import('../objects/service.js');
    const { nodeName, reportInterval, serviceDownTime } = this.conf.default;
    return new Heartbeat({
      services: new Services(db),
      host: nodeName,
      binary: this.program.name,
      interval: reportInterval,
      downTime: serviceDownTime,
      report: () => this.describe(),
      recovered: async () => {
        await Promise.all(this.parts.map(async (part) => part.recovered?.()));
      },
    });
  }

  private describe(): Readonly<Record<string, unknown>> {
    const reports = this.parts.map((part) => part.report?.() ?? {});
    return Object.assign({ messaging: this.messaging?.status() }, ...reports) as Record<string, unknown>;
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
    }, PARENT_LOOK_MS);
    timer.unref();
  }

  private stopRequested(signal: string): void {
    this.signals += 1;
    this.log.info('stop requested', { signal, again: this.signals > 1 });
    if (!this.started) process.exit(0);
    if (this.signals === 1) void this.drainAndExit();
    if (this.signals === 2) void this.closeAndExit();
  }

  private async drainAndExit(): Promise<void> {
    const limit = this.conf.proxy.drainTimeout * 1000 + DRAIN_SLACK_MS;
    this.heartbeat?.setDraining();
    for (const part of this.parts) part.setDraining?.();
    const drained = Promise.allSettled(this.parts.map(async (part) => part.drain?.()));
    if (!(await doneWithin(drained, limit))) this.log.warning('draining took too long and is cut short');
    if (this.signals === 1) await this.closeAndExit();
  }

  private async closeAndExit(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    if (!(await doneWithin(this.close(), CLOSE_DEADLINE_MS)))
      this.log.warning('closing took too long and is cut short');
    this.log.info(`${this.program.name} has stopped`);
    process.exit(0);
  }

  private async close(): Promise<void> {
    const closing = this.parts.map(async (part) => part.close());
    for (const outcome of await Promise.allSettled(closing)) {
      if (outcome.status === 'rejected') this.report('a part did not close cleanly', outcome.reason);
    }
    // Last, when the parts have written all they know: what is left open after it is closed by the other nodes.
    const goodbye = this.heartbeat?.stop() ?? Promise.resolve();
    await doneWithin(
      goodbye.catch((error: unknown) => this.report('the node could not sign off', error)),
      GOODBYE_MS,
    );
    await this.messaging?.close();
    await this.db
      ?.close()
      .catch((error: unknown) => this.report('the database did not close cleanly', error));
  }

  /** Takes up a new log level and a new log file; the parts look at their own files. */
  private reload(): void {
    this.log.info('reload requested', { signal: 'SIGHUP' });
    try {
      reopenLog();
      this.takeUp(loadConf(this.args, process.env).conf);
    } catch (error) {
      this.report('the configuration is not taken up', error);
    }
    for (const part of this.parts) part.reload?.();
  }

  private takeUp(next: Conf): void {
    const effective = new Set(describeConf(this.conf));
    const changed = describeConf(next).filter(
      (line) => !effective.has(line) && !line.startsWith('[DEFAULT] debug '),
    );
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
  try {
    await new Run(program, confArgs(command)).start();
  } catch (error) {
    die(error);
  }
}
