// SPDX-License-Identifier: Apache-2.0
// What a stage may see and do, one rule at a time. That all of it holds for any bytes in any pieces, is shown in
// pipeline-properties.test.ts.
import { describe, expect, it } from '@jest/globals';
import { ConnectionEnded, StageFailed } from '../../../../src/console/connection/ends.js';
import type { SessionSettings } from '../../../../src/console/ipc.js';
import {
  DROP,
  end,
  IN_PIECES,
  PASS,
  refuse,
  replace,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Owner,
  type Ownership,
  type Piece,
  type Stage,
  type StagePorts,
} from '../../../../src/console/relay/stage.js';
import { PeerMisbehaved } from '../../../../src/console/spice/errors.js';
import { aTurn, PipelineScene } from '../../../fixtures/channel-pipeline.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';

const BODY_LIMIT = 1000;

/** Wants messages of type 7 down, and does with them what the test says. */
class Probe implements Stage {
  readonly name: string = 'probe';
  down: Interest = { bodies: { types: new Set([7]), maxBodyBytes: BODY_LIMIT } };
  readonly seen: Message[] = [];
  readonly settings: SessionSettings[] = [];
  ports!: StagePorts;
  closed = 0;

  constructor(private readonly answer: (message: Message) => Answer | Promise<Answer> = () => PASS) {}

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  onMessage(_direction: Direction, message: Message): Answer | Promise<Answer> {
    this.seen.push(message);
    return this.answer(message);
  }

  onSettings(settings: SessionSettings): void {
    this.settings.push(settings);
  }

  close(): void {
    this.closed += 1;
  }
}

/** An owner that keeps everything until told. */
class Keeper implements Owner {
  readonly maxBodyBytes = BODY_LIMIT;
  readonly kept: Message[] = [];
  drains = 0;
  ownership!: Ownership;

  message(message: Message): void {
    this.kept.push(message);
  }

  oversized(type: number, size: number): ReturnType<Owner['oversized']> {
    return end('guest not identified', `type ${String(type)} of ${String(size)}`);
  }

  drained(): void {
    this.drains += 1;
  }

  /** Lets go of what is kept. */
  send(): void {
    for (const message of this.kept.splice(0)) this.ownership.send(message);
  }
}

const SETTINGS = sessionSettings({ firewall: { mode: 'warn' } });

describe.each([true, false])('a stage that wants bodies (mini headers: %s)', (miniHeader) => {
  const frame = (type: number, text = ''): Buffer => encodeMessage(type, Buffer.from(text), { miniHeader });
  const scene = (stage: Stage): PipelineScene => new PipelineScene({ down: [stage] }, { miniHeader }).start();

  it('is shown the messages of its types whole, and no others', async () => {
    const probe = new Probe();
    const { down } = scene(probe);
    const stream = Buffer.concat([frame(1, 'a'), frame(7, 'whole'), frame(2, 'b'), frame(7)]);
    for (const byte of stream) down.chunks.push(Buffer.of(byte));
    down.pump();
    await aTurn();
    expect(probe.seen.map(({ body }) => body.toString())).toEqual(['whole', '']);
    expect(down.bytes).toEqual(stream);
  });

  it('drops, replaces by another length, and keeps the framing of what is around', async () => {
    const probe = new Probe(({ body }) =>
      body.toString() === 'drop' ? DROP : replace(Buffer.from('longer than it was')),
    );
    const channel = scene(probe);
    await channel.send(
      'down',
      Buffer.concat([frame(1, 'a'), frame(7, 'drop'), frame(7, 'x'), frame(2, 'b')]),
    );
    expect(channel.messages('down').map(({ type, body }) => [type, body.toString()])).toEqual([
      [1, 'a'],
      [7, 'longer than it was'],
      [2, 'b'],
    ]);
  });

  it('keeps the serial of a message whose body it replaces', async () => {
    const channel = scene(new Probe(() => replace(Buffer.from('other'))));
    await channel.send('down', encodeMessage(7, Buffer.from('x'), { miniHeader, serial: 77n }));
    expect(channel.messages('down')[0]?.serial).toBe(miniHeader ? null : 77n);
  });

  it('promises an answer: what is behind waits, the sender stands, and what was before went out', async () => {
    let answer: (given: Answer) => void = () => undefined;
    const probe = new Probe(() => new Promise((resolve) => (answer = resolve)));
    const channel = scene(probe);
    await channel.send('down', Buffer.concat([frame(1, 'a'), frame(7, 'x'), frame(2, 'b')]), frame(3, 'c'));
    expect(channel.types('down')).toEqual([1]);
    expect(channel.down.stands).toBe(true);
    answer(replace(Buffer.from('later')));
    await aTurn();
    expect(channel.types('down')).toEqual([1, 7, 2, 3]);
    expect(channel.messages('down')[1]?.body.toString()).toBe('later');
    expect(channel.down.stands).toBe(false);
  });

  it('refuses with the name of a rule, which is counted, and nothing of the chunk goes out', async () => {
    const channel = scene(new Probe(() => refuse('no_sevens', 'a seven')));
    await channel.send('down', Buffer.concat([frame(1, 'a'), frame(7, 'x')]), frame(2));
    expect(channel.faults).toEqual([new ConnectionEnded('backend broke the protocol', 'a seven')]);
    expect(channel.pipeline.verdicts()).toEqual([
      { channel: 'main', direction: 'server_to_client', rule: 'no_sevens', action: 'enforced', count: 1 },
    ]);
    expect(channel.down.bytes).toHaveLength(0);
  });

  it('ends the channel for a reason of its own without a verdict', async () => {
    const channel = scene(new Probe(() => end('wrong guest', 'another one')));
    await channel.send('down', frame(7));
    expect(channel.faults).toEqual([new ConnectionEnded('wrong guest', 'another one')]);
    expect(channel.pipeline.verdicts()).toEqual([]);
  });

  it('is shown no body over its limit: the channel ends before one is collected', async () => {
    const probe = new Probe();
    const channel = scene(probe);
    await channel.send('down', frame(7, 'x'.repeat(BODY_LIMIT)));
    expect([probe.seen.length, channel.faults.length]).toEqual([1, 0]);
    const large = frame(7, 'x'.repeat(BODY_LIMIT + 1));
    await channel.send('down', large.subarray(0, miniHeader ? 6 : 18));
    expect(channel.faults.map(({ message }) => message)).toEqual([
      'backend broke the protocol: inspected message size is 1001, the limit is 1000',
    ]);
  });

  it('takes no memory for what a header only claims', async () => {
    const probe = new Probe();
    probe.down = { bodies: { types: new Set([7]), maxBodyBytes: 2 ** 30 } };
    const channel = scene(probe);
    const header = frame(7).subarray();
    header.writeUInt32LE(2 ** 30, miniHeader ? 2 : 10);
    const before = process.memoryUsage().arrayBuffers;
    await channel.send('down', header, Buffer.alloc(100));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    expect(channel.faults).toEqual([]);
  });

  it.each([
    [
      'an error',
      () => {
        throw new TypeError('undefined is not a function');
      },
    ],
    ['a rejection', () => Promise.reject(new TypeError('undefined is not a function'))],
  ] as const)('that gives %s ends its channel, by its name', async (_kind, fault) => {
    const channel = scene(new Probe(fault));
    await channel.send('down', frame(7));
    const [found] = channel.faults;
    expect(found).toBeInstanceOf(StageFailed);
    expect((found as StageFailed).stage).toBe('probe');
    expect(((found as StageFailed).cause as Error).message).toContain('not a function');
  });

  it('that finds the sender at fault is not at fault itself', async () => {
    const channel = scene(
      new Probe(() => {
        throw new PeerMisbehaved('too short');
      }),
    );
    await channel.send('down', frame(7));
    expect(channel.faults).toEqual([new ConnectionEnded('backend broke the protocol', 'too short')]);
  });

  it('refuses nested messages, which could hide one that it must see', async () => {
    const list = scene(new Probe());
    await list.send('down', frame(8, 'xxxxxxxx'));
    expect(list.faults.map(({ message }) => message)).toEqual([
      'backend broke the protocol: nested messages are not accepted on the main channel',
    ]);
    if (miniHeader) return;
    const carrier = scene(new Probe());
    await carrier.send('down', encodeMessage(1, Buffer.alloc(20), { miniHeader, subList: 4 }));
    expect(carrier.faults).toHaveLength(1);
  });

  it('may change what it wants when the settings change, from the next message on', async () => {
    const probe = new Probe(() => DROP);
    probe.down = {};
    const channel = scene(probe);
    await channel.send('down', frame(7, 'first'), frame(7, 'second').subarray(0, 9));
    probe.down = { bodies: { types: new Set([7]), maxBodyBytes: BODY_LIMIT } };
    channel.pipeline.useSettings(SETTINGS);
    await channel.send('down', frame(7, 'second').subarray(9), frame(7, 'third'), frame(1));
    probe.down = {};
    channel.pipeline.useSettings(SETTINGS);
    await channel.send('down', frame(7, 'fourth'));
    expect(channel.messages('down').map(({ body }) => body.toString())).toEqual([
      'first',
      'second',
      '',
      'fourth',
    ]);
    expect(probe.settings).toEqual([SETTINGS, SETTINGS]);
  });
});

describe.each([true, false])('messages of a stage (mini headers: %s)', (miniHeader) => {
  const frame = (type: number, text = ''): Buffer => encodeMessage(type, Buffer.from(text), { miniHeader });
  const none = (): Probe => Object.assign(new Probe(), { down: {} });

  it('go out at once between two messages, and after the message that is under way', async () => {
    const probe = none();
    const channel = new PipelineScene({ down: [probe] }, { miniHeader }).start();
    const { ports } = probe;
    ports.insert('down', ports.make(50, Buffer.from('own'), 9n));
    await aTurn();
    expect(channel.types('down')).toEqual([50]);
    const whole = frame(1, 'streams by in pieces');
    for (let cut = 1; cut < whole.length; cut += 1) {
      await channel.send('down', whole.subarray(0, cut));
      ports.insert('down', ports.make(51, Buffer.alloc(0)));
      await aTurn();
      expect(channel.down.bytes.subarray(-cut)).toEqual(whole.subarray(0, cut));
      await channel.send('down', Buffer.concat([whole.subarray(cut), frame(2)]));
      expect(channel.types('down').slice(-3)).toEqual([1, 51, 2]);
    }
    expect(channel.messages('down')[0]?.serial).toBe(miniHeader ? null : 9n);
  });

  it('are seen by the stages behind it, and not by those before', async () => {
    const [before, maker, behind] = [
      new Probe(),
      none(),
      new Probe(({ body }) => replace(Buffer.from(`<${body.toString()}>`))),
    ];
    const channel = new PipelineScene({ down: [before, maker, behind] }, { miniHeader }).start();
    maker.ports.insert('down', maker.ports.make(7, Buffer.from('own')));
    await aTurn();
    expect([before.seen.length, behind.seen.length]).toEqual([0, 1]);
    expect(channel.messages('down')[0]?.body.toString()).toBe('<own>');
  });

  it('go into the other direction too, and there behind a message that is judged', async () => {
    const probe: Probe = new Probe(() => {
      probe.ports.insert('up', probe.ports.make(60, Buffer.from('answer')));
      probe.ports.insert('down', probe.ports.make(61, Buffer.alloc(0)));
      return PASS;
    });
    const channel = new PipelineScene({ down: [probe] }, { miniHeader }).start();
    await channel.send('down', Buffer.concat([frame(7), frame(2)]));
    expect([channel.types('up'), channel.types('down')]).toEqual([[60], [7, 61, 2]]);
  });

  it('wait while another message waits for an answer', async () => {
    let answer: (given: Answer) => void = () => undefined;
    const probe: Probe = new Probe(() => new Promise((resolve) => (answer = resolve)));
    const channel = new PipelineScene({ down: [probe] }, { miniHeader }).start();
    await channel.send('down', frame(7));
    probe.ports.insert('down', probe.ports.make(50, Buffer.alloc(0)));
    await aTurn();
    expect(channel.types('down')).toEqual([]);
    answer(PASS);
    await aTurn();
    expect(channel.types('down')).toEqual([7, 50]);
  });
});

describe.each([true, false])('ownership (mini headers: %s)', (miniHeader) => {
  const frame = (type: number, text = ''): Buffer => encodeMessage(type, Buffer.from(text), { miniHeader });
  const setUp = (...behind: Stage[]) => {
    const probe = Object.assign(new Probe(), { down: {} });
    const channel = new PipelineScene({ down: [probe, ...behind] }, { miniHeader }).start();
    const keeper = new Keeper();
    const take = (): void => {
      keeper.ownership = probe.ports.own('down', keeper);
    };
    return { probe, channel, keeper, take };
  };

  it('begins with the next message, wherever the stream is, and ends so', async () => {
    const whole = frame(1, 'partly there');
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const { channel, keeper, take } = setUp();
      await channel.send('down', whole.subarray(0, cut));
      take();
      await channel.send(
        'down',
        Buffer.concat([whole.subarray(cut), frame(2, 'b'), frame(3, 'c').subarray(0, 4)]),
      );
      const streamed = cut > 0 && cut <= whole.length;
      expect(keeper.kept.map(({ type }) => type)).toEqual(streamed ? [2] : [1, 2]);
      keeper.send();
      keeper.ownership.giveBack();
      await channel.send('down', Buffer.concat([frame(3, 'c').subarray(4), frame(4)]));
      expect(channel.types('down')).toEqual([1, 2, 3, 4]);
    }
  });

  it('gives back in the middle of a chunk: the rest streams by', async () => {
    const { channel, keeper, take } = setUp();
    take();
    keeper.message = (message) => {
      keeper.ownership.send(message);
      if (message.type === 2) keeper.ownership.giveBack();
    };
    await channel.send('down', Buffer.concat([1, 2, 3, 4].map((type) => frame(type, 'x'))));
    expect(channel.types('down')).toEqual([1, 2, 3, 4]);
  });

  it('may send in another order, later, and hears when all is taken', async () => {
    const { channel, keeper, take } = setUp();
    take();
    await channel.send('down', Buffer.concat([frame(1, 'a'), frame(2, 'b')]));
    expect(channel.down.bytes).toHaveLength(0);
    keeper.kept.reverse();
    channel.down.socket.stuck = true;
    keeper.send();
    await aTurn();
    expect(keeper.drains).toBe(0);
    channel.down.socket.stuck = false;
    channel.down.socket.tell();
    await aTurn();
    expect([channel.types('down'), keeper.drains]).toEqual([[2, 1], 1]);
  });

  it('shows what it sends to the stages behind', async () => {
    const behind = new Probe(() => DROP);
    const { channel, keeper, take } = setUp(behind);
    take();
    await channel.send('down', Buffer.concat([frame(7), frame(1)]));
    expect(behind.seen).toHaveLength(0);
    keeper.send();
    await aTurn();
    expect([behind.seen.length, channel.types('down')]).toEqual([1, [1]]);
  });

  it('is bounded: the owner says how a channel ends that sends too much at once', async () => {
    const { channel, take } = setUp();
    take();
    await channel.send('down', frame(9, 'x'.repeat(BODY_LIMIT + 1)).subarray(0, 18));
    expect(channel.faults).toEqual([new ConnectionEnded('guest not identified', 'type 9 of 1001')]);
  });

  it('belongs to one for each stage, of a direction that the stage is in', () => {
    const { probe, take } = setUp();
    take();
    expect(() => probe.ports.own('down', new Keeper())).toThrow('cannot own the down direction');
    expect(() => probe.ports.own('up', new Keeper())).toThrow('cannot own the up direction');
  });
});

/** An owner that takes what is too large for it in pieces, and keeps all pieces until told. */
class PieceKeeper extends Keeper {
  readonly pieces: Piece[] = [];

  override message(message: Message): void {
    this.pieces.push({ bytes: message.bytes, ends: true });
  }

  override oversized(): ReturnType<Owner['oversized']> {
    return IN_PIECES;
  }

  piece(piece: Piece): void {
    this.pieces.push(piece);
  }

  write(): void {
    this.ownership.write(this.pieces.splice(0));
  }
}

describe.each([true, false])('an owner of pieces (mini headers: %s)', (miniHeader) => {
  const frame = (type: number, text = ''): Buffer => encodeMessage(type, Buffer.from(text), { miniHeader });
  const large = frame(2, 'x'.repeat(20 * BODY_LIMIT));

  function owned(keeper: PieceKeeper): PipelineScene {
    const probe = new Probe();
    probe.down = {};
    const channel = new PipelineScene({ down: [probe] }, { miniHeader, bufferBytes: 4096 }).start();
    keeper.ownership = probe.ports.own('down', keeper);
    return channel;
  }

  it('is given a message over its limit as it comes, in order with the others, as bytes that stay', async () => {
    const keeper = new PieceKeeper();
    const channel = owned(keeper);
    const stream = Buffer.concat([frame(1, 'a'), large, frame(3, 'c')]);
    for (let at = 0; at < stream.length; at += 999) await channel.send('down', stream.subarray(at, at + 999));
    expect(channel.down.bytes).toHaveLength(0);
    expect(Buffer.concat(keeper.pieces.map(({ bytes }) => bytes))).toEqual(stream);
    expect(keeper.pieces.filter(({ ends }) => ends)).toHaveLength(3);
    keeper.write();
    await aTurn();
    expect(channel.down.bytes).toEqual(stream);
  });

  it('reads on while its leg is busy, and stands when it is held', async () => {
    const keeper = new PieceKeeper();
    const channel = owned(keeper);
    channel.down.socket.stuck = true;
    await channel.send('down', frame(1, 'a'));
    keeper.write();
    await channel.send('down', frame(2, 'b'), frame(3, 'c'));
    expect(keeper.pieces).toHaveLength(2);
    expect(channel.pipeline.down.progress.busy).toBe(true);
    const release = channel.pipeline.down.hold();
    await channel.send('down', frame(4, 'd'), frame(5, 'e'));
    expect(keeper.pieces).toHaveLength(2);
    expect(channel.down.stands).toBe(true);
    release();
    await aTurn();
    expect(keeper.pieces).toHaveLength(4);
  });

  it('gives back within a message that came in pieces: the rest streams by', async () => {
    const keeper = new PieceKeeper();
    const channel = owned(keeper);
    await channel.send('down', large.subarray(0, 5000));
    keeper.write();
    keeper.ownership.giveBack();
    await channel.send('down', large.subarray(5000), frame(3, 'c'));
    expect(channel.down.bytes).toEqual(Buffer.concat([large, frame(3, 'c')]));
  });

  it('knows how many messages have begun, on both ways through the pipeline', async () => {
    const keeper = new PieceKeeper();
    const probe = new Probe();
    probe.down = {};
    const channel = new PipelineScene({ down: [probe] }, { miniHeader }).start();
    await channel.send('down', frame(1, 'a'), frame(2, 'b').subarray(0, 3));
    expect(channel.pipeline.down.progress.messages).toBe(1);
    keeper.ownership = probe.ports.own('down', keeper);
    await channel.send('down', frame(2, 'b').subarray(3), frame(3, 'c'), large.subarray(0, 100));
    expect(channel.pipeline.down.progress.messages).toBe(4);
    keeper.write();
    keeper.ownership.giveBack();
    await channel.send('down', large.subarray(100), frame(5), frame(6));
    expect(channel.pipeline.down.progress.messages).toBe(6);
    expect(channel.types('down')).toEqual([1, 2, 3, 2, 5, 6]);
  });
});

describe('a hold', () => {
  const frame = (type: number): Buffer => encodeMessage(type, Buffer.from('x'), { miniHeader: true });

  it('keeps a direction from beginning, and counts no byte meanwhile', async () => {
    let release = (): void => undefined;
    const stage: Stage = { name: 'gate', start: (ports) => void (release = ports.hold('up')) };
    const channel = new PipelineScene({ up: [stage] });
    channel.pipeline.start();
    expect(channel.pipeline.up.begin(frame(1))).toBe(false);
    await aTurn();
    expect([channel.up.bytes.length, channel.pipeline.up.bytes]).toEqual([0, 0]);
    release();
    release();
    await aTurn();
    expect([channel.types('up'), channel.pipeline.up.bytes, channel.up.resumed]).toEqual([[1], 7, 1]);
  });

  it('stops a direction in the middle of a message, and lets it go on', async () => {
    const probe = Object.assign(new Probe(), { down: {} });
    const channel = new PipelineScene({ down: [probe] }).start();
    await channel.send('down', frame(1).subarray(0, 3));
    const release = probe.ports.hold('down');
    await channel.send('down', frame(1).subarray(3), frame(2), frame(3));
    expect([channel.down.bytes.length, channel.down.stands]).toEqual([3, true]);
    probe.ports.insert('down', probe.ports.make(50, Buffer.alloc(0)));
    release();
    await aTurn();
    expect(channel.types('down')).toEqual([1, 50, 2, 3]);
  });
});

describe('a stage that looks at headers', () => {
  const frame = (type: number, length = 0): Buffer =>
    encodeMessage(type, Buffer.alloc(length), { miniHeader: true });

  it('is called only for what its table does not wave through, on both ways through the pipeline', async () => {
    for (const others of [[], [new Probe()]]) {
      const called: [number, number][] = [];
      const stage: Stage = {
        name: 'headers',
        down: { headers: { unseen: Uint8Array.of(0, 1, 1), maxBodyBytes: 10 } },
        onHeader: (_direction, type, size) => {
          called.push([type, size]);
          return PASS;
        },
      };
      const channel = new PipelineScene({ down: [stage, ...others] }).start();
      const stream = Buffer.concat([frame(1), frame(2, 10), frame(2, 11), frame(3), frame(1)]);
      await channel.send('down', stream);
      expect(called).toEqual([
        [2, 11],
        [3, 0],
      ]);
      expect(channel.down.bytes).toEqual(stream);
    }
  });

  it('shares the table with others: each is asked for what it minds itself', async () => {
    const called: string[] = [];
    const watch = (name: string, unseen: number[], maxBodyBytes: number): Stage => ({
      name,
      up: { headers: { unseen: Uint8Array.from(unseen), maxBodyBytes } },
      onHeader: (_direction, type) => {
        called.push(`${name} ${String(type)}`);
        return type === 3 ? refuse('three', 'no') : PASS;
      },
    });
    const channel = new PipelineScene({
      up: [watch('a', [1, 1, 0, 1], 50), watch('b', [1, 0, 1, 0], 5)],
    }).start();
    await channel.send('up', frame(0), frame(1), frame(2, 6), frame(3));
    expect(called).toEqual(['b 1', 'a 2', 'b 2', 'b 3']);
    expect(channel.faults).toEqual([new ConnectionEnded('client broke the protocol', 'no')]);
  });
});

describe('the end', () => {
  it('closes each stage once, lets it say last words, and moves no byte afterwards', async () => {
    const frame = encodeMessage(1, Buffer.alloc(0), { miniHeader: true });
    const probe = Object.assign(new Probe(), { down: {} });
    probe.close = () => {
      probe.closed += 1;
      probe.ports.insert('down', probe.ports.make(9, Buffer.alloc(0)));
    };
    const channel = new PipelineScene({ down: [probe], up: [probe] }).start();
    channel.pipeline.end();
    channel.pipeline.end();
    await channel.send('down', frame);
    await channel.send('up', frame);
    probe.ports.insert('down', probe.ports.make(10, Buffer.alloc(0)));
    await aTurn();
    expect([probe.closed, channel.types('down'), channel.types('up')]).toEqual([1, [9], []]);
  });

  it('comes when a stage cannot start', () => {
    const channel = new PipelineScene({
      down: [
        {
          name: 'broken',
          start: () => {
            throw new Error('no');
          },
        },
      ],
    }).start();
    expect((channel.faults[0] as StageFailed).stage).toBe('broken');
  });
});
