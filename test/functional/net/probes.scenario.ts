// SPDX-License-Identifier: Apache-2.0
// Run in a network namespace: a silent connection lives through an outage that the pace of its probes allows, and ends in
// one that it does not. Prints what became of it.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { probeWhenIdle } from '../../../src/net/idle-probes.js';
import { network } from '../../fixtures/network-namespace.js';
import { delay, waitFor } from '../../fixtures/program.js';

/** Longer than the ten seconds of Node's own pace, and its delay. */
const OUTAGE_MS = 14_000;
const PATIENT = { delay: 1000, interval: 1000, count: 60 };
const IMPATIENT = { delay: 1000, interval: 1000, count: 3 };

/** A silent connection whose accepting and connecting ends are probed at a pace: of this Node, or of the kernel. */
async function silent(pace: typeof PATIENT): Promise<{ ends: Socket[]; faults: string[] }> {
  network.pace(pace.delay / 1000, pace.interval / 1000, pace.count);
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const dialled = connect((server.address() as AddressInfo).port, '127.0.0.1');
  probeWhenIdle(dialled, pace);
  const [end] = await accepted;
  server.close();
  probeWhenIdle(end, pace);
  const faults: string[] = [];
  for (const socket of [end, dialled]) {
    socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => faults.push(code));
    socket.resume();
  }
  return { ends: [end, dialled], faults };
}

network.up();
const survivor = await silent(PATIENT);
network.cut();
await delay(OUTAGE_MS);
network.heal();
const [end, dialled] = survivor.ends as [Socket, Socket];
const heard = Promise.all([once(end, 'data'), once(dialled, 'data')]);
end.write('down');
dialled.write('up');
await heard;
for (const socket of survivor.ends) socket.destroy();

const victim = await silent(IMPATIENT);
network.cut();
await waitFor('the end of both ends', () => victim.ends.every(({ destroyed }) => destroyed));
console.log(JSON.stringify({ survivor: survivor.faults, victim: victim.faults }));
