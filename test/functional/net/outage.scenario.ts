// SPDX-License-Identifier: Apache-2.0
// Run in a network namespace with `<seconds of silence> <seconds of outage>`: a native desktop and one in a browser, with
// silent channels and displays that are pinged as spice-server does it; then the network is away, and comes back. Prints
// what each channel did then: the seconds until its first answer, or how it ended.
import { SERVER_MESSAGE, CLIENT_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Html5Proxy } from '../../fixtures/html5proxy.js';
import { Site, type Desk, type Guest } from '../../fixtures/kerbside.js';
import { network } from '../../fixtures/network-namespace.js';
import { delay, waitFor } from '../../fixtures/program.js';
import type { ClientChannel } from '../../fixtures/spice-client.js';
import type { ServerChannel } from '../../fixtures/spice-server-channel.js';

const OTHERS = ['display', 'inputs', 'cursor', 'playback'] as const;
const { PING } = SERVER_MESSAGE.common;
const { PONG } = CLIENT_MESSAGE.common;
const PING_INTERVAL_MS = 15_000;
/** TCP's rest before it sends once more is at most as long as the outage was, and two minutes. */
const ANSWER_MS = 300_000;
const BROWSER = '127.0.0.9';
const NATIVE = '127.0.0.2';

interface Pair {
  readonly name: string;
  readonly near: ClientChannel;
  readonly far: ServerChannel;
}

/** The channels of a desktop, both ends of each. */
async function desktop(who: string, client: Guest, desk: Desk): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const name of ['main', ...OTHERS] as const) {
    const near = name === 'main' ? await client.openMain() : await client.open(name);
    pairs.push({ name: `${who} ${name}`, near, far: await desk.server.channel(name) });
  }
  return pairs;
}

function ping({ far }: Pair): void {
  far.send(PING, Buffer.alloc(12));
}

/** Seconds until a ping of now is answered, or how the channel ended. */
async function answered(pair: Pair): Promise<number | string> {
  const { near, far } = pair;
  const asked = performance.now();
  const wanted = far.bodies(PONG).length + 1;
  ping(pair);
  const over = (): boolean => near.closeReason !== null || far.isClosed;
  await waitFor(`answer on ${pair.name}`, () => over() || far.bodies(PONG).length >= wanted, {
    giveUpMs: ANSWER_MS,
  });
  if (over()) return near.closeReason?.error ?? 'closed';
  return Math.round((performance.now() - asked) / 100) / 10;
}

const [silence = 0, outage = 0] = process.argv.slice(2).map(Number);
network.up();
const env = { OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.1', OS_PROXY__WRITE_TIMEOUT: '300' };
const site = await Site.start(env);
const html5 = await Html5Proxy.start(site, env);
try {
  const [desk, other] = [await site.desk(), await site.desk()];
  const native = await site.client(desk.uuid, { localAddress: NATIVE });
  const tunnel = await html5.tunnel({ localAddress: BROWSER });
  const plain = { host: '127.0.0.1', port: tunnel.port };
  const browser = await site.client(other.uuid, { ...plain, tls: undefined as never });
  const pairs = [...(await desktop('native', native, desk)), ...(await desktop('browser', browser, other))];
  const displays = pairs.filter(({ name }) => name.endsWith('display'));
  const pings = setInterval(() => displays.forEach(ping), PING_INTERVAL_MS);
  await delay(silence * 1000);
  network.cut();
  await delay(outage * 1000);
  network.heal();
  const became = await Promise.all(pairs.map(async (pair) => [pair.name, await answered(pair)] as const));
  clearInterval(pings);
  const log = `${site.log()}\n${html5.program.output()}`;
  const lines = log.split('\n').filter((line) => /lost|reading|answer/.test(line));
  console.log(JSON.stringify({ channels: Object.fromEntries(became), lines }));
} finally {
  network.heal();
  await html5.stop();
  await site.stop();
}
