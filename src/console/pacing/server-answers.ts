// SPDX-License-Identifier: Apache-2.0
// What the proxy says to the server of a display channel in the client's place.
import type { Message, StagePorts } from '../relay/stage.js';
import { CLIENT_MESSAGE } from '../spice/message-types.js';

const { ACK, ACK_SYNC, PONG } = CLIENT_MESSAGE.common;
const { PREFERRED_COMPRESSION } = CLIENT_MESSAGE.display;
/** SPICE_IMAGE_COMPRESSION_AUTO_LZ: images that do not need each other. */
const AUTO_LZ = 3;
/** Bytes of a PONG, and of what a PING has before its padding: u32 id, u64 timestamp. */
const PONG_BYTES = 12;

/** Puts messages into the up direction of one channel. */
export class ServerAnswers {
  constructor(private readonly ports: Pick<StagePorts, 'insert' | 'make'>) {}

  /** A window of messages has come. */
  acknowledge(): void {
    this.say(ACK, Buffer.alloc(0));
  }

  /** The window of this generation is known. */
  sync(generation: number): void {
    const body = Buffer.alloc(4);
    body.writeUInt32LE(generation, 0);
    this.say(ACK_SYNC, body);
  }

  /** The answer to a PING that {@link ServerAnswers.canAnswer}. */
  pong(ping: Message): void {
    this.say(PONG, ping.body.subarray(0, PONG_BYTES));
  }

  /** Images shall not need each other, so that they may change places. */
  preferSelfContainedImages(): void {
    this.say(PREFERRED_COMPRESSION, Buffer.of(AUTO_LZ));
  }

  /** Whether a PING has what its answer is made of. */
  static canAnswer(ping: Message): boolean {
    return ping.body.length >= PONG_BYTES;
  }

  private say(type: number, body: Buffer): void {
    this.ports.insert('up', this.ports.make(type, body));
  }
}
