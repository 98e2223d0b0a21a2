// SPDX-License-Identifier: Apache-2.0
// One example: a command as a shell runs it, and what it answered, shortened. What stands in the command is what was run;
// in both, addresses of this machine are written as those of a site.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../fixtures/program.js';

const LONGEST_TEXT = 100;
const SHORT_TEXT = 60;
const LONGEST_LIST = 3;
const SHORT_SECRET = 6;
const COMMAND_MS = 60_000;

/** Runs commands and writes examples. */
export class Transcript {
  /**
   * @param env of the commands
   * @param names what is written in place of what, such as addresses of this machine; the first that fits counts
   */
  constructor(
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
    private readonly names: ReadonlyMap<string, string>,
  ) {}

  /** Runs a command and keeps both as `<name>.txt`; gives its whole output. @throws Error when it fails */
  async show(name: string, command: string): Promise<string> {
    const { status, stdout, stderr } = await runProgram('bash', ['-c', command], {
      env: this.env,
      timeoutMs: COMMAND_MS,
    });
    if (status !== 0) throw new Error(`${command}: ${stderr.trim()}`);
    const text = `$ ${command}\n${shortened(stdout)}`.replace(/(?<=[?&]key=\w{6})\w+/g, '...');
    writeFileSync(join(this.folder, `${name}.txt`), `${this.named(text).trimEnd()}\n`);
    return stdout;
  }

  private named(text: string): string {
    let named = text;
    for (const [here, there] of this.names) named = named.replaceAll(here, there);
    return named;
  }
}

/** JSON with its long texts and lists cut, or lines with theirs. */
function shortened(text: string): string {
  if (text.startsWith('[virt-viewer]') || !/^[{[]/.test(text))
    return text.split('\n').map(shortLine).join('\n');
  return JSON.stringify(JSON.parse(text, shortMember), null, 4);
}

function shortMember(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, LONGEST_LIST);
  if (typeof value !== 'string') return value;
  if (name === 'access_token') return `${value.slice(0, SHORT_SECRET)}...`;
  return name !== 'href' && value.length > LONGEST_TEXT ? `${value.slice(0, SHORT_TEXT)}...` : value;
}

function shortLine(line: string): string {
  if (line.startsWith('password=')) return `${line.slice(0, 'password='.length + SHORT_SECRET)}...`;
  return line.startsWith('ca=') ? `${line.slice(0, SHORT_TEXT)}...` : line;
}
