// SPDX-License-Identifier: Apache-2.0
// Takes a password from a file, from a terminal without showing it, or from standard input. Never from the command
// line, where every user of the machine could read it.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { InvalidInput } from '../exception.js';

function firstLine(content: string): string {
  return content.split(/\r?\n/, 1)[0] ?? '';
}

/** Asks on the terminal; nothing that is typed is shown. */
function ask(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const line = createInterface({ input: process.stdin, output: silent, terminal: true });
  // Only now: before that the terminal would still show what is typed.
  process.stderr.write(question);
  return new Promise((resolve, reject) => {
    let answered = false;
    line.once('line', (answer) => {
      answered = true;
      line.close();
      resolve(answer);
    });
    line.once('close', () => {
      process.stderr.write('\n');
      if (!answered) reject(new InvalidInput('no password was given'));
    });
  });
}

async function askTwice(): Promise<string> {
  const first = await ask('Password: ');
  if (first !== (await ask('Password again: '))) throw new InvalidInput('the two passwords differ');
  return first;
}

/**
 * A new password: the first line of the file, else asked for twice on a terminal, else the first line of standard input.
 *
 * @throws InvalidInput when it is empty, or typed differently the second time
 */
export async function readPassword(file: string | undefined): Promise<string> {
  const password = await (async () => {
    if (file !== undefined) return firstLine(readFileSync(file, 'utf8'));
    if (process.stdin.isTTY) return askTwice();
    return firstLine(await text(process.stdin));
  })();
  if (password === '') throw new InvalidInput('the password is empty');
  return password;
}
