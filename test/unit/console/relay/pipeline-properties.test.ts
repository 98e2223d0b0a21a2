// SPDX-License-Identifier: Apache-2.0
// What holds for the pipeline whatever the bytes, their pieces, the headers, the sender's buffer and the order of the
// stages are; and that nothing complete stays behind in a client's TLS engine. A failure names its seed.
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  DROP,
  end,
  PASS,
  replace,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Owner,
  type Stage,
  type StagePorts,
} from '../../../../src/console/relay/stage.js';
import { aTurn, PipelineScene, type Lane } from '../../../fixtures/channel-pipeline.js';
import { SeededRandom } from '../../../fixtures/random.js';
import { encodeMessage, MessageParser } from '../../../fixtures/spice-messages.js';
import { WaitingClient } from '../../../fixtures/waiting-client.js';

const ROUNDS = 100;
/** Turns in which nothing moves, after which nothing will: more than stages wait one behind the other. */
const STILL = 8;
const TYPES = 6;
const MOST = 1 << 20;

async function rounds(base: number, round: (random: SeededRandom) => Promise<void>): Promise<void> {
  for (let seed = base; seed < base + ROUNDS; seed += 1) {
    try {
      await round(new SeededRandom(seed));
    } catch (error) {
      throw new Error(`seed ${String(seed)}: ${String(error)}`, { cause: error });
    }
  }
}

interface Sent {
  readonly type: number;
  readonly body: Buffer;
}

function someMessages(random: SeededRandom): Sent[] {
  return Array.from({ length: 1 + random.below(12) }, () => ({
    type: 10 + random.below(TYPES),
    body: random.bytes(random.pick([0, 1, random.below(40), random.below(400), random.below(20_000)])),
  }));
}

function streamOf(messages: readonly Sent[], miniHeader: boolean): Buffer {
  return Buffer.concat(
    messages.map(({ type, body }, index) =>
      encodeMessage(type, body, { miniHeader, serial: BigInt(index + 1) }),
    ),
  );
}

function piecesOf(random: SeededRandom, stream: Buffer): Buffer[] {
  const longest = random.pick([1, 7, 19, 300, 16_384, 70_000]);
  return stream.length / longest > 100 ? [stream] : random.split(stream, longest);
}

function sceneOf(random: SeededRandom, stages: readonly Stage[], direction: Direction): PipelineScene {
  const options = {
    miniHeader: random.below(2) === 0,
    life: random.pick(['until_return', 'until_resume', 'kept'] as const),
    // A buffer that is as large as the pieces is full each time.
    bufferBytes: random.pick([1, 131_072]),
  };
  return new PipelineScene({ [direction]: stages }, options);
}

/** Sends everything, with the socket slow at times, until nothing moves. */
async function carry(random: SeededRandom, lane: Lane, pieces: readonly Buffer[]): Promise<void> {
  lane.socket.stuck = random.below(3) === 0;
  lane.chunks.push(...pieces);
  for (let idle = 0; idle < STILL;) {
    const before = lane.socket.writes.length - lane.chunks.length;
    lane.pump();
    lane.socket.tell();
    await aTurn();
    idle = lane.socket.writes.length - lane.chunks.length === before ? idle + 1 : 0;
  }
}

/** No complete message is left in the TLS engine of a client that waits on its socket. */
function checkRecords(lane: Lane, miniHeader: boolean): void {
  let at = 0;
  const headerBytes = miniHeader ? 6 : 18;
  const ends = new MessageParser(miniHeader)
    .push(lane.bytes)
    .map(({ body }) => (at += headerBytes + body.length));
  const client = new WaitingClient(ends);
  for (const { length } of lane.socket.writes) client.receive(length);
  if (client.stuck > 0) throw new Error(`${String(client.stuck)} messages are stuck`);
}

/** Stages that let everything pass, each in a way of its own. */
const PASSING: readonly ((random: SeededRandom) => Stage)[] = [
  () => ({ name: 'nothing' }),
  () => ({
    name: 'headers',
    ...both({ headers: { unseen: new Uint8Array(10 + TYPES).fill(1, 0, 12), maxBodyBytes: 100 } }),
    onHeader: () => PASS,
  }),
  (random) => ({ name: 'bodies', ...bodies(random), onMessage: () => PASS }),
  (random) => ({
    name: 'promises',
    ...bodies(random),
    onMessage: async () => {
      if (random.below(2) === 0) await aTurn();
      return PASS;
    },
  }),
  (random) => ({
    name: 'copies',
    ...bodies(random),
    onMessage: (_way, { body }) => replace(Buffer.from(body)),
  }),
  (random) => new Taker(random),
  (random) => new Holder(random),
];

function both(interest: Interest): { up: Interest; down: Interest } {
  return { up: interest, down: interest };
}

function bodies(random: SeededRandom): { up: Interest; down: Interest } {
  const types = Array.from({ length: 1 + random.below(3) }, () => 10 + random.below(TYPES));
  return both({ bodies: { types: new Set(types), maxBodyBytes: MOST } });
}

/** Owns the direction from time to time, keeps some messages, and lets go of them in their order. */
class Taker implements Stage, Owner {
  readonly name = 'taker';
  readonly maxBodyBytes = MOST;
  private kept: Message[] = [];
  private ports!: StagePorts;
  private ownership: ReturnType<StagePorts['own']> | null = null;
  readonly up: Interest;
  readonly down: Interest;

  constructor(private readonly random: SeededRandom) {
    // A type that makes it take the direction over in the middle of things.
    const interest: Interest = { bodies: { types: new Set([10]), maxBodyBytes: MOST } };
    this.up = random.below(2) === 0 ? interest : {};
    this.down = this.up;
  }

  start(ports: StagePorts): void {
    this.ports = ports;
    if (this.random.below(2) === 0) this.take('down');
  }

  onMessage(direction: Direction): Answer {
    if (direction === 'down' && this.random.below(2) === 0) this.take('down');
    return PASS;
  }

  message(message: Message): void {
    this.kept.push(message);
    if (this.random.below(3) === 0) setImmediate(() => this.letGo());
    else if (this.random.below(2) === 0) this.letGo();
    // Whatever comes last must not stay.
    else queueMicrotask(() => this.letGo());
  }

  oversized() {
    return end('idle', 'too large');
  }

  private take(direction: Direction): void {
    this.ownership ??= this.ports.own(direction, this);
  }

  private letGo(): void {
    for (const message of this.kept.splice(0)) this.ownership?.send(message);
    if (this.ownership === null || this.random.below(4) > 0) return;
    this.ownership.giveBack();
    this.ownership = null;
  }
}

/** Lets the sender wait now and then. */
class Holder implements Stage {
  readonly name = 'holder';
  readonly up: Interest;
  readonly down: Interest;
  private ports!: StagePorts;

  constructor(private readonly random: SeededRandom) {
    ({ up: this.up, down: this.down } = bodies(random));
  }

  start(ports: StagePorts): void {
    this.ports = ports;
    setImmediate(ports.hold('down'));
  }

  onMessage(direction: Direction): Answer {
    if (this.random.below(2) === 0) setImmediate(this.ports.hold(direction));
    return PASS;
  }
}

describe('stages that let everything pass', () => {
  it('give the same bytes, in any order and any pieces, and keep the record rule', async () => {
    await rounds(10_000, async (random) => {
      const stages = Array.from({ length: random.below(5) }, () => random.pick(PASSING)(random));
      const scene = sceneOf(random, stages, 'down');
      scene.start();
      const stream = streamOf(someMessages(random), scene.miniHeader);
      await carry(random, scene.down, piecesOf(random, stream));
      if (scene.faults.length > 0) throw scene.faults[0] as Error;
      if (!scene.down.bytes.equals(stream)) throw new Error('the bytes are others');
      if (scene.pipeline.down.bytes !== stream.length) throw new Error('the bytes are counted wrong');
      checkRecords(scene.down, scene.miniHeader);
    });
  }, 60_000);
});

/** Drops, replaces and puts in by the body's first byte; the model below does the same on the list of messages. */
class Changer implements Stage {
  readonly name = 'changer';
  readonly up: Interest;
  readonly down: Interest;
  private ports!: StagePorts;

  constructor(
    readonly types: ReadonlySet<number>,
    private readonly later: boolean,
  ) {
    this.down = { bodies: { types, maxBodyBytes: MOST } };
    this.up = this.down;
  }

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  onMessage(direction: Direction, { body }: Message): Answer | Promise<Answer> {
    const kind = (body[0] ?? 0) % 4;
    if (kind === 3) this.ports.insert(direction, this.ports.make(99, body.subarray(1)));
    const answer = kind === 1 ? DROP : kind === 2 ? replace(Buffer.concat([body, body])) : PASS;
    return this.later ? aTurn().then(() => answer) : answer;
  }

  model(messages: readonly Sent[]): Sent[] {
    return messages.flatMap((message): Sent[] => {
      const { type, body } = message;
      if (!this.types.has(type)) return [message];
      const kind = (body[0] ?? 0) % 4;
      if (kind === 1) return [];
      if (kind === 2) return [{ type, body: Buffer.concat([body, body]) }];
      return kind === 3 ? [message, { type: 99, body: body.subarray(1) }] : [message];
    });
  }
}

/** Messages in short: a difference shall be readable. */
function shapes(messages: readonly Sent[]): string[] {
  return messages.map(({ type, body }) => {
    const digest = createHash('sha1').update(body).digest('hex').slice(0, 8);
    return `${String(type)} ${String(body.length)} ${digest}`;
  });
}

describe('stages that drop, replace and put in', () => {
  it.each(['up', 'down'] as const)(
    'keep the framing on the way %s, whatever is around them',
    async (direction) => {
      await rounds(20_000, async (random) => {
        const types = new Set(Array.from({ length: 1 + random.below(4) }, () => 10 + random.below(TYPES)));
        const changer = new Changer(types, random.below(2) === 0);
        const around = (): Stage[] =>
          Array.from({ length: random.below(3) }, () => random.pick(PASSING.slice(0, 5))(random));
        const scene = sceneOf(random, [...around(), changer, ...around()], direction);
        scene.start();
        const messages = someMessages(random);
        await carry(random, scene[direction], piecesOf(random, streamOf(messages, scene.miniHeader)));
        if (scene.faults.length > 0) throw scene.faults[0] as Error;
        const out = shapes(scene.messages(direction));
        expect(out).toEqual(shapes(changer.model(messages)));
        checkRecords(scene[direction], scene.miniHeader);
      });
    },
    60_000,
  );
});
