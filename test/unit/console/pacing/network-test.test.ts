// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { NetworkTest } from '../../../../src/console/pacing/network-test.js';
import { PipelineScene } from '../../../fixtures/channel-pipeline.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const PING = 4;
const PONG = 3;

const body = (id: number, padding = 0): Buffer =>
  Buffer.concat([Buffer.alloc(12, id), Buffer.alloc(padding)]);
const frame = (type: number, bytes: Buffer): Buffer => encodeMessage(type, bytes, { miniHeader: true });

it('answers the three PINGs of the test, lets them pass, and swallows the answers of the client', async () => {
  const stage = new NetworkTest(1 << 20);
  const scene = new PipelineScene({ up: [stage], down: [stage] }).start();
  await scene.send('down', frame(PING, body(1)), frame(PING, body(2)), frame(PING, body(3, 256_000)));
  expect(scene.messages('up').map(({ body: bytes }) => bytes)).toEqual([body(1), body(2), body(3)]);
  expect(scene.types('down')).toEqual([PING, PING, PING]);
  await scene.send('down', frame(PING, body(4)));
  await scene.send('up', ...[1, 2, 3, 4].map((id) => frame(PONG, body(id))), frame(PONG, body(1)));
  expect(scene.messages('up').map(({ body: bytes }) => bytes)).toEqual([1, 2, 3, 4, 1].map((id) => body(id)));
});
