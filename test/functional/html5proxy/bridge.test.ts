// SPDX-License-Identifier: Apache-2.0
// How long a browser may be silent, and what kerbside-proxy hears of its end: a WebSocket and a connection of this process.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { Bridge, type BridgeEnd } from '../../../src/html5proxy/bridge.js';
import type { DialledLeg } from '../../../src/html5proxy/proxy-leg.js';
import { waitFor } from '../../fixtures/program.js';

let upgrades: WebSocketServer;
let proxy: Server;
/** Both ends of the WebSocket, the end of kerbside-proxy, and how often the connection to it was reset. */
let browser: WebSocket;
let socket: WebSocket;
let far: Socket;
let resets: number;
let bridge: Bridge;
let end: BridgeEnd | null;

beforeEach(async () => {
  [resets, end] = [0, null];
  upgrades = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  proxy = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await Promise.all([once(upgrades, 'listening'), once(proxy, 'listening')]);
  const [near, accepted] = [once(upgrades, 'connection'), once(proxy, 'connection')];
  // A browser that does not answer pings until the test wants it to.
  browser = new WebSocket(`ws://127.0.0.1:${(upgrades.address() as AddressInfo).port}`, { autoPong: false });
  const stream = connect((proxy.address() as AddressInfo).port, '127.0.0.1');
  const reset = (): void => {
    resets += 1;
    stream.resetAndDestroy();
  };
  [far] = (await accepted) as [Socket];
  far.on('error', () => undefined).resume();
  [socket] = (await near) as [WebSocket];
  await waitFor('an open WebSocket', () => browser.readyState === WebSocket.OPEN);
  bridge = new Bridge(socket, { stream, reset } as unknown as DialledLeg, (ended) => (end = ended));
});
afterEach(() => {
  browser.terminate();
  far.destroy();
  upgrades.close();
  proxy.close();
});

/** Probes until the bridge ends, or `most` times. */
function probes(most: number): number {
  for (let count = 0; count < most; count += 1) if (!bridge.probe()) return count;
  return most;
}

const ended = (): Promise<BridgeEnd> => waitFor('the end', () => end);

describe('a browser', () => {
  it('may miss eight pings, four minutes of them, and is lost with the ninth', async () => {
    expect(probes(100)).toBe(8);
    expect((await ended()).reason).toBe('the browser does not answer');
    expect(resets).toBe(1);
  });

  it.each([
    ['pong', () => browser.pong()],
    ['message', () => browser.send(Buffer.from('up'))],
  ])('that sends a %s begins anew', async (what, speak) => {
    expect(probes(8)).toBe(8);
    const heard = once(socket, what);
    speak();
    await heard;
    expect(probes(100)).toBe(8);
    await ended();
  });

  it('that closes its WebSocket closes the channel', async () => {
    const over = once(far, 'end');
    browser.close();
    await over;
    far.end();
    expect((await ended()).reason).toBe('the browser closed');
    expect(resets).toBe(0);
  });

  it('whose connection is cut has lost the channel', async () => {
    browser.terminate();
    expect((await ended()).reason).toBe('the connection to the browser was lost');
    expect(resets).toBe(1);
  });
});
