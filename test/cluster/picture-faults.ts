// SPDX-License-Identifier: Apache-2.0
// No fault at all: a real client's session with all its channels spread over both proxies shows what the guest shows.
// And termination, which is a fault for the user: everywhere at once, with and without the broker.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { differingPixels, readPpm } from '../boot-target/image.js';
import { delay, waitFor } from '../fixtures/program.js';
import { startViewer, startXServer } from '../fixtures/x11.js';
import type { Fault, Outcome, Trial } from './fault.js';
import type { NodeName } from './node.js';
import { SETTINGS } from './site.js';

/** In the order that they run. */
export const PICTURE_FAULTS: readonly Fault[] = [
  { name: 'none: remote-viewer over both proxies', run: realClient },
  { name: 'terminate from either API', run: (trial) => terminateEverywhere(trial, 1) },
  { name: 'terminate with RabbitMQ stopped', run: terminateWithoutBroker },
];

const LEAST_CHANNELS = 6;
const FANOUT_SECONDS = 1;

async function realClient(trial: Trial): Promise<Outcome> {
  const { site } = trial;
  const desk = site.desks[0]!;
  const dir = join(site.folder, 'viewer');
  const x = await startXServer(join(site.folder, 'x11'));
  try {
    const vv = await site.vv(desk);
    const viewer = await startViewer(x, vv.text, dir);
    try {
      await viewer.sees();
      const rows = await waitFor('six channels', async () => {
        const open = await site.rows<{ node: NodeName; channel_type: number; client_ip: string }>(
          "SELECT node, channel_type, client_ip FROM {schema}.console_connections WHERE closed IS NULL AND state = 'connected'",
        );
        return open.length >= LEAST_CHANNELS ? open : null;
      });
      const on = (node: string): number => rows.filter((row) => row.node === node).length;
      trial.claim(
        'the channels of one session run through both proxies',
        on('proxy1') >= 2 && on('proxy2') >= 2,
        `${rows.length} channels, proxy1 ${on('proxy1')}, proxy2 ${on('proxy2')}`,
      );
      const from = new Set(rows.map(({ client_ip }) => client_ip));
      trial.claim(
        "the records have the client's own address",
        from.size === 1 && from.has(site.network.address('clients', 'data')),
        [...from].join(', '),
      );
      await delay(500);
      const shown = await viewer.guestScreen();
      const dump = join(site.folder, 'screendump.ppm');
      await desk.guest.qmp('screendump', { filename: dump });
      const different = differingPixels(shown, readPpm(readFileSync(dump)));
      trial.claim("the picture is the guest's own screendump", different === 0, `${different} pixels differ`);
      await viewer.type('cluster');
      await desk.guest.serialLine(/^KEY /);
      trial.claim('keys reach the guest', true);
    } finally {
      await viewer.stop();
    }
  } finally {
    await x.stop();
  }
  const seconds = await trial.recordsRight(
    'the records are right after the client went',
    performance.now(),
    10_000,
  );
  return { open: 1, lost: 0, seconds };
}

async function terminateEverywhere(trial: Trial, limit: number): Promise<Outcome> {
  const { site, users } = trial;
  await users.openMixed(0, 4);
  const started = performance.now();
  let slowest = 0;
  for (const [index, desktop] of users.desktops.entries()) {
    const node = site.role('api')[index % 2]!;
    const asked = performance.now();
    const status = await trial.terminate(desktop.sessionId, node);
    const ended = await Promise.race([desktop.ended().then(() => true), delay(10_000).then(() => false)]);
    const seconds = (performance.now() - asked) / 1000;
    slowest = Math.max(slowest, seconds);
    trial.claim(
      `${node.name} ends a session on both proxies within ${limit} s`,
      status === 200 && ended && seconds <= limit,
      `status ${status}, ${seconds.toFixed(2)} s`,
    );
  }
  const words = await Promise.all(users.desktops.map((desktop) => desktop.tryToken()));
  trial.claim(
    'the tokens are spent',
    words.every((word) => word === 'permission denied'),
    [...new Set(words)].join(', '),
  );
  await trial.recordsRight('the records are right', started, 15_000);
  return { open: users.desktops.length, lost: 0, seconds: slowest };
}

async function terminateWithoutBroker(trial: Trial): Promise<Outcome> {
  await trial.site.broker.shutdown();
  try {
    // What the poll takes, and the request itself.
    return await terminateEverywhere(trial, SETTINGS.pollInterval + FANOUT_SECONDS);
  } finally {
    await trial.site.broker.restart();
  }
}
