// SPDX-License-Identifier: Apache-2.0
// The stage of the main channel that answers the server's start-up test of the network. spice-server sends three PINGs and
// calls the link slow when the third one, 256,000 bytes in TCP's slow start, takes long: with a round trip of 80 ms it
// always does, and pictures are lossy from then on for the life of the session [spice-server main-channel-client.cpp]. Of
// a channel that is paced here the server need not know the link. The client is tested as ever; its answers stay here.
import { DROP, PASS } from '../relay/stage.js';
import type { Answer, Direction, Interest, Message, Stage, StagePorts } from '../relay/stage.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';

/** PINGs of the test; those that follow later watch whether the client lives. */
const TEST_PINGS = 3;
/** Bytes of a PONG, and of what a PING has before its padding: u32 id, u64 timestamp. */
const PONG_BYTES = 12;
/** The test's PINGs are the ones of these ids. */
const MAX_CLIENT_BODY_BYTES = 4096;

/** Answers the test. */
export class NetworkTest implements Stage {
  readonly name = 'pacing';
  readonly up: Interest;
  readonly down: Interest;
  private ports: StagePorts | null = null;
  private seen = 0;
  /** What the client will send for the PINGs that were answered here. */
  private readonly answered: Buffer[] = [];

  /** @param maxMessageSize bytes of the largest body that may pass */
  constructor(maxMessageSize: number) {
    this.down = { bodies: { types: new Set([SERVER_MESSAGE.common.PING]), maxBodyBytes: maxMessageSize } };
    this.up = {
      bodies: { types: new Set([CLIENT_MESSAGE.common.PONG]), maxBodyBytes: MAX_CLIENT_BODY_BYTES },
    };
  }

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  onMessage(direction: Direction, { body }: Message): Answer {
    return direction === 'down' ? this.ping(body) : this.pong(body);
  }

  private ping(body: Buffer): Answer {
    const { ports } = this;
    if (ports === null || this.seen === TEST_PINGS || body.length < PONG_BYTES) return PASS;
    this.seen += 1;
    const pong = Buffer.from(body.subarray(0, PONG_BYTES));
    this.answered.push(pong);
    ports.insert('up', ports.make(CLIENT_MESSAGE.common.PONG, pong));
    return PASS;
  }

  private pong(body: Buffer): Answer {
    const at = this.answered.findIndex((pong) => pong.equals(body));
    if (at === -1) return PASS;
    this.answered.splice(at, 1);
    return DROP;
  }
}
