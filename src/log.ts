// SPDX-License-Identifier: Apache-2.0
// The log of every program: one line for one event, in the text format of oslo.log or as JSON. A line is written by
// one write call, so the lines of several processes that share a file or a pipe never mix. What cannot be logged
// (a full disk, a reader that has gone) is dropped: the log never ends a session.
import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { KerbsideException, StartupError } from './exception.js';
import { shownPath } from './option-file.js';

/**
 * What belongs to an event beside its sentence. `request_id`, `user` and `project` name the request it belongs to.
 * Of an Error the message is shown; its stack too when it is a bug of ours, logged at error with debug on.
 */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined | Error>>;

/** Writes events of one part of the program. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** How the log is written. */
export interface LogOptions {
  readonly debug: boolean;
  readonly useJson: boolean;
  /** A path, or '' for standard output. */
  readonly file: string;
  /** Without a file: to standard error, because standard output carries the result of a command. */
  readonly toStderr?: boolean;
}

/** One event, as the renderer takes it. */
export interface LogEvent {
  readonly level: Level;
  readonly name: string;
  readonly message: string;
  readonly fields: LogFields;
  readonly time: Date;
}

type Level = 'error' | 'warning' | 'info' | 'debug';
type Plain = string | number | boolean | null;

/** How often it is checked whether the log file was moved away. */
const CHECK_INTERVAL_MS = 1000;

const LEVELS: Readonly<Record<Level, number>> = { error: 0, warning: 1, info: 2, debug: 3 };
const CONTEXT = ['request_id', 'user', 'project'];
/** Members of oslo.log's JSON format; a field of the same name gets an underscore at its end. */
const RESERVED = ['asctime', 'levelname', 'name', 'process', 'message'];
/** Whatever could end a line, move the cursor of a terminal or hide text in it. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
/** Printable ASCII needs no escaping: nearly every text there is, and found out at a tenth of the cost. */
const HARMLESS = /^[ -~]*$/;
const BARE_WORD = /^[!#-<>-~]+$/;

function escape(text: string): string {
  if (HARMLESS.test(text)) return text;
  return text.replace(UNPRINTABLE, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\r') return '\\r';
    if (character === '\t') return '\\t';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function pad(value: number, digits = 2): string {
  return String(value).padStart(digits, '0');
}

/** The second that was written last, and its text: lines come many in one second, and local time is dear. */
let lastSecond = { at: Number.NaN, text: '' };

function stamp(time: Date): string {
  const at = Math.floor(time.getTime() / 1000);
  if (at !== lastSecond.at) lastSecond = { at, text: stampOfSecond(time) };
  return `${lastSecond.text}.${pad(time.getMilliseconds(), 3)}`;
}

function stampOfSecond(time: Date): string {
  const day = `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
  const clock = `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
  return `${day} ${clock}`;
}

function plainFields(event: LogEvent, debug: boolean): [string, Plain][] {
  const fields: [string, Plain][] = [];
  for (const [key, value] of Object.entries(event.fields)) {
    if (value === undefined) continue;
    if (!(value instanceof Error)) {
      fields.push([key, value]);
      continue;
    }
    fields.push([key, value.message]);
    const ours = debug && event.level === 'error' && !(value instanceof KerbsideException);
    if (ours) fields.push(['stack', value.stack ?? '']);
  }
  return fields;
}

function quote(value: Plain): string {
  const plain = String(value);
  if (BARE_WORD.test(plain)) return plain;
  const text = escape(plain);
  return text === '' || /[\s"=]/.test(text) ? `"${text.replaceAll('"', '\\"')}"` : text;
}

function contextOf(fields: readonly [string, Plain][]): string {
  if (!fields.some(([key]) => CONTEXT.includes(key))) return '-';
  const of = new Map(fields);
  return CONTEXT.map((key) => escape(String(of.get(key) ?? '-')).replaceAll(' ', '_')).join(' ');
}

/**
 * The line of an event, without its line end.
 *
 * @param event what happened
 * @param o how to write it: format, and whether debug is on
 */
export function renderLine(
  event: LogEvent,
  o: { readonly debug: boolean; readonly useJson: boolean },
): string {
  const fields = plainFields(event, o.debug);
  const levelname = event.level.toUpperCase();
  if (o.useJson) {
    const extra = fields.map(([key, value]) => [RESERVED.includes(key) ? `${key}_` : key, value]);
    const { name, message } = event;
    const own = { asctime: stamp(event.time), levelname, name, process: process.pid, message };
    return JSON.stringify({ ...own, ...(Object.fromEntries(extra) as Record<string, Plain>) });
  }
  let rest = '';
  for (const [key, value] of fields) if (!CONTEXT.includes(key)) rest += ` ${escape(key)}=${quote(value)}`;
  const head = `${stamp(event.time)} ${process.pid} ${levelname} ${event.name} [${contextOf(fields)}]`;
  return `${head} ${escape(event.message)}${rest}`;
}

/** Where lines go: a file that may be moved away at any time, or a standard stream. */
class Sink {
  private descriptor: number | undefined;
  private checkedAt = Date.now();
  private readonly stream: NodeJS.WritableStream;

  constructor(private readonly o: Pick<LogOptions, 'file' | 'toStderr'>) {
    this.stream = o.toStderr === true ? process.stderr : process.stdout;
    if (o.file !== '') this.descriptor = openLog(o.file);
  }

  write(line: string): void {
    if (this.descriptor === undefined) {
      // Files, pipes and terminals are written synchronously on Linux: nothing gathers in memory behind a slow reader.
      this.stream.write(line);
      return;
    }
    try {
      this.follow(this.descriptor);
      writeSync(this.descriptor, line);
    } catch {
      // A full disk costs log lines, not sessions.
    }
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  /** Opens the file again when logrotate has replaced it: relay workers get no signal. */
  private follow(descriptor: number): void {
    const now = Date.now();
    if (Math.abs(now - this.checkedAt) < CHECK_INTERVAL_MS) return;
    this.checkedAt = now;
    const there = statSync(this.o.file, { throwIfNoEntry: false });
    const ours = fstatSync(descriptor);
    if (there?.ino === ours.ino && there.dev === ours.dev) return;
    this.descriptor = openLog(this.o.file);
    closeSync(descriptor);
  }
}

function openLog(file: string): number {
  try {
    return openSync(file, 'a', 0o640);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown fault';
    throw new StartupError(
      `log file ${shownPath(file)} cannot be opened: ${code}; change [DEFAULT] log_file or its permissions`,
    );
  }
}

let options: LogOptions = { debug: false, useJson: false, file: '' };
let sink = new Sink(options);
/** What is more detailed than this is not written. */
let mostDetailed = LEVELS.info;

// Without a listener, a reader that goes away would end the process.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

/**
 * Sets level, format and place of the log of this process. Before the first call it is text at INFO on standard output.
 *
 * @throws StartupError when the file cannot be opened; the log then goes on as before
 */
export function configureLogging(o: LogOptions): void {
  const next = new Sink(o);
  sink.close();
  [sink, options] = [next, o];
  mostDetailed = LEVELS[o.debug ? 'debug' : 'info'];
}

/**
 * Opens the log file again, after logrotate has moved the old one.
 *
 * @throws StartupError when the file cannot be opened; the log then goes on into the old one
 */
export function reopenLog(): void {
  configureLogging(options);
}

/**
 * The logger of one part of the program.
 *
 * @param name dotted, such as `kerbside.console.link`
 */
export function loggerFor(name: string): Logger {
  const at =
    (level: Level) =>
    (message: string, fields: LogFields = {}): void => {
      if (LEVELS[level] > mostDetailed) return;
      sink.write(`${renderLine({ level, name, message, fields, time: new Date() }, options)}\n`);
    };
  return { debug: at('debug'), info: at('info'), warning: at('warning'), error: at('error') };
}
