// SPDX-License-Identifier: Apache-2.0
// What a guest is started from: Debian's kernel, taken out of its package without installing it, and a file system with
// guest.c as its only program and the kernel's modules that a display needs.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runProgram } from '../../fixtures/program.js';
import { initramfs, type InitramfsFile } from './initramfs.js';

/** An unpacked kernel package. */
export interface Kernel {
  /** Such as 6.1.0-57-amd64. */
  readonly version: string;
  /** Path of the compressed kernel. */
  readonly image: string;
  /** By the name that other modules depend on: paths of the modules. */
  readonly modules: ReadonlyMap<string, string>;
}

const PACKAGE = 'linux-image-amd64';
const DOWNLOAD_MS = 300_000;
const MODULE = /\.ko(\.xz)?$/;
/** A kernel console that drew for itself would change pictures. */
const PARAMETERS: Readonly<Record<string, string>> = { drm_kms_helper: 'fbdev_emulation=0' };

/**
 * The kernel in `dir`; fetches its package when the folder has none.
 *
 * @throws Error when there is none and none can be had
 */
export async function findKernel(dir: string): Promise<Kernel> {
  if (!existsSync(join(dir, 'boot'))) await fetchKernel(dir);
  const name = readdirSync(join(dir, 'boot')).find((file) => file.startsWith('vmlinuz-'));
  if (name === undefined) throw new Error(`${dir} has no boot/vmlinuz-*: it is no unpacked kernel package`);
  const version = name.slice('vmlinuz-'.length);
  const roots = ['lib/modules', 'usr/lib/modules'].map((path) => join(dir, path, version)).filter(existsSync);
  const files = roots.flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => MODULE.test(file))
      .map((file) => [moduleName(file), join(root, file)] as const),
  );
  return { version, image: join(dir, 'boot', name), modules: new Map(files) };
}

async function fetchKernel(dir: string): Promise<void> {
  if (process.env['NO_INSTALL'] === '1')
    throw new Error(
      `NO_INSTALL=1 is set and there is no kernel in ${dir}; unpack a linux-image package there`,
    );
  mkdirSync(dir, { recursive: true });
  const depends = await checked('apt-cache', ['depends', '--no-recommends', PACKAGE]);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error(`${PACKAGE} is not in the package lists; run: apt-get update`);
  await checked('apt-get', ['download', name], dir, DOWNLOAD_MS);
  const file = readdirSync(dir).find((one) => one.endsWith('.deb'));
  if (file === undefined) throw new Error(`apt-get has left no package in ${dir}`);
  await checked('dpkg-deb', ['-x', join(dir, file), dir], dir, DOWNLOAD_MS);
  rmSync(join(dir, file));
}

/**
 * Writes the file system for a guest that loads `wanted` modules, and what these depend on.
 *
 * @param program path of the compiled guest.c
 * @throws Error when the kernel has no such module
 */
export async function writeInitramfs(
  path: string,
  program: string,
  kernel: Kernel,
  wanted: readonly string[],
): Promise<void> {
  const loaded = new Map<string, Buffer>();
  for (const name of wanted) await addModule(kernel, name, loaded);
  const list = [...loaded.keys()].map((name) => `${name}.ko ${PARAMETERS[name] ?? ''}\n`).join('');
  const files: InitramfsFile[] = [
    { path: 'init', content: readFileSync(program), executable: true },
    { path: 'modules/list', content: Buffer.from(list) },
    ...[...loaded].map(([name, content]) => ({ path: `modules/${name}.ko`, content })),
  ];
  writeFileSync(path, initramfs(files));
}

/** Adds a module after those that it depends on: the order that they are loaded in. */
async function addModule(kernel: Kernel, name: string, loaded: Map<string, Buffer>): Promise<void> {
  if (loaded.has(name)) return;
  const path = kernel.modules.get(name);
  if (path === undefined) throw new Error(`the kernel ${kernel.version} has no module ${name}`);
  const content = await readModule(path);
  for (const other of dependencies(content)) await addModule(kernel, other, loaded);
  loaded.set(name, content);
}

async function readModule(path: string): Promise<Buffer> {
  if (!path.endsWith('.xz')) return readFileSync(path);
  const copy = `${path}.plain`;
  await checked('sh', ['-c', 'xz -dc "$0" >"$1"', path, copy]);
  return readFileSync(copy);
}

/** A module says in its own file what it depends on (section .modinfo). */
function dependencies(module: Buffer): string[] {
  const start = module.indexOf('\0depends=');
  if (start < 0) return [];
  const text = module.toString('latin1', start + '\0depends='.length, module.indexOf(0, start + 1));
  return text.split(',').filter(Boolean).map(moduleName);
}

/** Files are written with dashes or underscores, dependencies with underscores. */
function moduleName(file: string): string {
  return basename(file).replace(MODULE, '').replaceAll('-', '_');
}

async function checked(
  command: string,
  args: readonly string[],
  cwd?: string,
  timeoutMs?: number,
): Promise<string> {
  const options = {
    ...(cwd === undefined ? {} : { cwd }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  const result = await runProgram(command, args, options);
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr.trim()}`);
  return result.stdout;
}
