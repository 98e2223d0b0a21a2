// SPDX-License-Identifier: Apache-2.0
// Proves that many nodes are one service. Makes a private network of namespaces, runs inside.ts on one of its machines,
// and removes all of it afterwards, however that ended. Exit status 0 only when every claim holds.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Network, removeStaleNetworks } from './network.js';

const USAGE = `usage: cluster [--only WORD] [--keep]
  --only WORD  only the faults whose name holds the word; may be given several times
  --keep       leaves the private folder with the logs behind
Needs root, for network namespaces of its own. Takes about ten minutes.`;

async function run(network: Network, folder: string, only: readonly string[]): Promise<number> {
  const inside = join(dirname(fileURLToPath(import.meta.url)), 'inside.js');
  // Should this program be killed, that one goes, too; the next run removes the network.
  const bound = ['setpriv', '--pdeathsig', 'KILL', '--'];
  const words = [...bound, process.execPath, inside, '--prefix', network.prefix, '--folder', folder];
  const [command = '', ...args] = [
    ...network.enter('clients'),
    ...words,
    ...only.flatMap((word) => ['--only', word]),
  ];
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  // The network goes when the child has: a signal only hurries that.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      keep: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  removeStaleNetworks();
  const network = new Network(`kerbside-${process.pid}`);
  const folder = mkdtempSync(join(tmpdir(), 'kerbside-cluster-'));
  try {
    network.create();
    return await run(network, folder, values.only ?? []);
  } finally {
    network.remove();
    if (values.keep === true) process.stdout.write(`cluster: logs are in ${folder}\n`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`cluster: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
