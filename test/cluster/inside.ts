// SPDX-License-Identifier: Apache-2.0
// The part of the program that runs on the clients' machine of the private network: starts the cluster, brings the
// faults, prints the table. cluster.ts makes the network, starts this, and removes everything afterwards.
import { parseArgs } from 'node:util';
import { CHECKER_FAULTS } from './checker-faults.js';
import { CLOSING_FAULTS } from './closing-faults.js';
import { type Fault, reason, Trial } from './fault.js';
import { KILL_FAULTS } from './kill-faults.js';
import { Network } from './network.js';
import { NODE_FAULTS } from './node-faults.js';
import { OUTAGE_FAULTS } from './outage-faults.js';
import { PICTURE_FAULTS } from './picture-faults.js';
import { type Line, table } from './report.js';
import { Site } from './site.js';
import type { Memory } from './users.js';

const FAULTS: readonly Fault[] = [
  ...CHECKER_FAULTS,
  ...PICTURE_FAULTS,
  ...KILL_FAULTS,
  ...OUTAGE_FAULTS,
  ...NODE_FAULTS,
  ...CLOSING_FAULTS,
];
/** Three heartbeats and some: what is wrong then stays wrong. */
const SETTLE_MS = 30_000;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Puts everything back as it was: machines on the network, programs running, users gone. */
async function restore(site: Site): Promise<void> {
  for (const node of site.nodes.values()) if (!node.running) await node.start();
  await site.balancer.settled();
}

async function bring(site: Site, fault: Fault, memory: Memory): Promise<Line> {
  say(fault.name);
  const trial = new Trial(site, memory, say);
  const started = performance.now();
  let outcome: Line['outcome'] = null;
  try {
    outcome = await fault.run(trial);
  } catch (error) {
    trial.claim('the fault runs to its end', false, reason(error));
  }
  await trial.users.leave();
  await restore(site);
  const { wrong } = await trial.settled(performance.now(), SETTLE_MS);
  trial.claim('no row is left wrong', wrong.length === 0, wrong.join('; '));
  say(`  (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return { fault: fault.name, outcome, wrong: wrong.length, failures: trial.failures.length };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      prefix: { type: 'string' },
      folder: { type: 'string' },
      only: { type: 'string', multiple: true },
    },
  });
  const network = new Network(values.prefix ?? '');
  const wanted = FAULTS.filter(({ name }) => (values.only ?? ['']).some((word) => name.includes(word)));
  const started = performance.now();
  const site = await Site.start(values.folder ?? '', network, (step) => say(`cluster: ${step}`));
  say(`cluster: all is up after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  const lines: Line[] = [];
  const memory: Memory = { terminated: [], secrets: new Set(site.secrets) };
  try {
    for (const fault of wanted) lines.push(await bring(site, fault, memory));
  } finally {
    await site.stop();
  }
  say(`\n${table(lines)}`);
  const failed = lines.filter(({ outcome, failures }) => outcome === null || failures > 0).length;
  say(
    `${lines.length - failed} faults as claimed, ${failed} FAILED, ${((performance.now() - started) / 1000).toFixed(0)} s`,
  );
  return failed === 0 ? 0 : 1;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`cluster: ${reason(error)}\n`);
    process.exit(1);
  },
);
