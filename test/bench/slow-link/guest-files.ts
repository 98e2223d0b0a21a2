// SPDX-License-Identifier: Apache-2.0
// What a guest is started from: a kernel out of its package (tox-style-scripts/bench-slow-link), and a file system with
// guest.c as its only program and the kernel's modules that a display needs.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

const MODULE = /\.ko(\.xz)?$/;
/** A kernel console that drew for itself would change pictures. */
const PARAMETERS: Readonly<Record<string, string>> = { drm_kms_helper: 'fbdev_emulation=0' };

/** The kernel in `dir`, where a package was unpacked. @throws Error when there is none */
export function findKernel(dir: string): Kernel {
  const boot = join(dir, 'boot');
  const name = existsSync(boot) ? readdirSync(boot).find((file) => file.startsWith('vmlinuz-')) : undefined;
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
  const result = await runProgram('sh', ['-c', 'xz -dc "$0" >"$1"', path, copy]);
  if (result.status !== 0) throw new Error(`xz: ${result.stderr.trim()}`);
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
