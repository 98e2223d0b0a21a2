// SPDX-License-Identifier: Apache-2.0
// Compiles the C programs of the bench: the guest's, the link emulator, the client.
import { join } from 'node:path';
import { runProgram } from '../../fixtures/program.js';
import { repositoryRoot } from '../../fixtures/repository.js';

/** Paths of the compiled programs. */
export interface Programs {
  readonly guest: string;
  readonly link: string;
  readonly client: string;
}

const LIBRARY = 'spice-client-glib-2.0';
const COMPILE_MS = 120_000;

/** Compiles into `dir`. @throws Error with the compiler's words */
export async function compilePrograms(dir: string): Promise<Programs> {
  const library = await run('pkg-config', ['--cflags', '--libs', LIBRARY]);
  const [guest, link, client] = [join(dir, 'guest'), join(dir, 'link'), join(dir, 'client')];
  // Static: the guest has no libraries.
  await compile(guest, ['guest.c', 'screen.c'], ['-static']);
  await compile(link, ['link.c'], []);
  await compile(client, ['client.c', 'check.c'], library.trim().split(/\s+/));
  return { guest, link, client };
}

async function compile(program: string, sources: readonly string[], more: readonly string[]): Promise<void> {
  const folder = join(repositoryRoot(), 'test/bench/slow-link');
  const paths = sources.map((name) => join(folder, name));
  await run('gcc', ['-O2', '-Wall', '-Wextra', '-o', program, ...paths, ...more]);
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const result = await runProgram(command, args, { timeoutMs: COMPILE_MS });
  if (result.status !== 0) throw new Error(`${command}: ${result.stderr.trim()}`);
  return result.stdout;
}
