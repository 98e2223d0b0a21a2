// SPDX-License-Identifier: Apache-2.0
// The Nodes that Kerbside is measured under: the machine's, and those of `--node`, each with a tree of modules that
// were compiled for it (tox-style-scripts/node-tree).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { runProgram } from '../fixtures/program.js';
import { repositoryRoot } from '../fixtures/repository.js';

/** A Node, and where its Kerbside is. */
export interface NodeRuntime {
  /** Path of the program. */
  readonly program: string;
  /** Such as 24.21.0. */
  readonly version: string;
  /** Version of the OpenSSL inside. */
  readonly openssl: string;
  /** A tree with dist/ and node_modules/. */
  readonly root: string;
}

/** The Node that runs this program, and this tree. */
export function ownNode(): NodeRuntime {
  const { node, openssl } = process.versions;
  return { program: process.execPath, version: node, openssl, root: repositoryRoot() };
}

/**
 * Another Node; makes its tree when it is missing, which takes about two minutes once.
 *
 * @param path of the program
 * @throws Error when it does not run, or when its tree cannot be made
 */
export async function otherNode(path: string): Promise<NodeRuntime> {
  const program = resolve(path);
  const { stdout, stderr } = await runProgram(program, ['-p', 'JSON.stringify(process.versions)']);
  if (stdout === '') throw new Error(`--node ${path}: ${stderr.trim()}`);
  const { node, openssl } = JSON.parse(stdout) as { node: string; openssl: string };
  return { program, version: node, openssl, root: await makeTree(program) };
}

async function makeTree(program: string): Promise<string> {
  const script = join(repositoryRoot(), 'tox-style-scripts/node-tree');
  const child = spawn(script, [program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [root] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`--node ${program}: no tree for it (see the message above)`);
  return root.trim();
}
