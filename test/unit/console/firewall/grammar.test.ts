// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { grammarOf, MAX_SMALL_BODY_BYTES, maxBodyBytes } from '../../../../src/console/firewall/grammar.js';
import type { Direction } from '../../../../src/console/relay/stage.js';
import { CHANNEL, type ChannelName } from '../../../../src/console/spice/constants.js';

const MAX = 1 << 20;
/** Where a message has no limit of its own, everything is good up to this. */
const NO_LIMIT = 2 ** 31 - 1;

/**
 * What may pass beside the common messages, by the tables of spice.proto and the buffers of spice-server: type, bytes of the
 * body, "least-most", "least+entry*count", or "least-" where there is no limit.
 */
const TABLES: Readonly<Record<ChannelName, Readonly<Record<Direction, string>>>> = {
  main: {
    up: '102:0 103:0 104:0 105:2 106:4 107:0-2048 108:4 109:0 110:4 111:0',
    down:
      '101:20-4116 102:0 103:32 104:4+2*1024 105:4 106:4 107:0 108:4 109:0-2048 110:4 111:20-4116 112:0 113:4-4100 ' +
      '114:16 115:4 116:24-4120 117:0 118:0',
  },
  display: {
    up: '101:14 102:32 103:1 104:0 105:1-256',
    down:
      '101:12 102:0 103:0 104:29- 105:2+9*65535 106:1+10*255 107:8 108:0 122:51- 123:12- 124:5- 125:4 126:0 302:37- ' +
      '303:58- 304:57- 305:57- 306:34- 307:34- 308:34- 309:57- 310:31- 311:47- 312:49- 313:43- 314:20 315:4 316:36- ' +
      '317:4+28*256 318:29- 319:16 320:0-64 321:16 322:0-4096',
  },
  inputs: {
    up: '101:4 102:4 103:2 104:1-2048 111:10 112:11 113:3 114:3',
    down: '101:2 102:2 111:0',
  },
  cursor: { up: '', down: '101:11- 102:0 103:7- 104:4 105:0 106:4 107:8 108:0' },
  playback: { up: '', down: '101:4-1048576 102:6-1048576 103:14 104:0 105:1+2*255 106:1 107:4' },
  record: { up: '101:4-1048576 102:6-1048576 103:4', down: '101:10 102:0 103:1+2*255 104:1' },
  tunnel: { up: '', down: '' },
  smartcard: { up: '101:12-65536', down: '101:12-65536' },
  usbredir: { up: '101:0- 102:1-1048576', down: '101:0- 102:1-1048576' },
  port: { up: '101:0- 102:1-1048576 201:1', down: '101:0- 102:1-1048576 201:9-4105 202:1' },
  webdav: { up: '101:0- 102:1-1048576 201:1', down: '101:0- 102:1-1048576 201:9-4105 202:1' },
};

const COMMON_DOWN = '1:4 2:0- 3:8 4:12-1048588 5:1+10*255 6:12 7:24-16408 8:2-';
const PONG: Readonly<Partial<Record<ChannelName, number>>> = {
  ...{ main: 26_624, display: 1024, cursor: 1024, inputs: 2048 },
};

interface Row {
  readonly type: number;
  readonly least: number;
  readonly most: number;
  readonly entry: number;
}

function rowOf(text: string): Row {
  const [type = '', sizes = ''] = text.split(':');
  const [least = '', more] = sizes.split(/[-+]/);
  const [entry = '', count] = sizes.includes('+') ? (more ?? '').split('*') : [];
  if (count !== undefined) {
    const most = Number(least) + Number(entry) * Number(count);
    return { type: Number(type), least: Number(least), most, entry: Number(entry) };
  }
  const most = more === undefined ? Number(least) : more === '' ? NO_LIMIT : Number(more);
  return { type: Number(type), least: Number(least), most, entry: 1 };
}

function rowsOf(name: ChannelName, direction: Direction): Row[] {
  const common =
    direction === 'up' ? `1:4 2:0 3:12-${String(PONG[name] ?? 4096)} 4:0 5:0- 6:12` : COMMON_DOWN;
  return `${common} ${TABLES[name][direction]}`.trim().split(' ').map(rowOf);
}

const DIRECTIONS = (Object.keys(CHANNEL) as ChannelName[]).flatMap((name) =>
  (['up', 'down'] as const).map((direction) => ({ name, direction })),
);

describe.each(DIRECTIONS)('the grammar of $name, $direction', ({ name, direction }) => {
  const grammar = grammarOf(CHANNEL[name], direction);
  const rows = rowsOf(name, direction);
  const ruleOf = (type: number, size: number): string | undefined => grammar.fault(type, size)?.rule;

  it('knows the messages of the protocol and no other', () => {
    expect(grammar.types).toEqual(rows.map(({ type }) => type));
    const unknown = Array.from({ length: 600 }, (_unused, type) => type).filter(
      (type) => ruleOf(type, 4) === 'disallowed_type',
    );
    expect(unknown).toHaveLength(600 - rows.length);
    expect(ruleOf(65_535, 0)).toBe('disallowed_type');
  });

  it.each(rows)('takes type $type from $least to $most bytes and nothing beside', (row) => {
    const { type, least, most, entry } = row;
    expect([ruleOf(type, least), ruleOf(type, most)]).toEqual([undefined, undefined]);
    expect(grammar.unseen[type]).toBe(least === 0 && most === NO_LIMIT ? 1 : 0);
    if (least > 0) expect(ruleOf(type, least - 1)).toBe('body_size');
    if (most < NO_LIMIT) expect(ruleOf(type, most + 1)).toBe('size_cap');
    if (entry > 1)
      expect([ruleOf(type, least + entry), ruleOf(type, most - 1)]).toEqual([undefined, 'body_size']);
  });
});

describe('the grammar of a channel that the protocol does not have', () => {
  it('lets nothing pass', () => {
    expect(grammarOf(12, 'up').types).toEqual([]);
    expect(grammarOf(12, 'down').fault(1, 4)?.rule).toBe('disallowed_type');
  });
});

describe('the size of bodies in any mode', () => {
  it('is small for what a client sends on inputs and cursor', () => {
    for (const name of Object.keys(CHANNEL) as ChannelName[]) {
      const small = name === 'inputs' || name === 'cursor';
      expect([name, maxBodyBytes(CHANNEL[name], 'up', MAX)]).toEqual([
        name,
        small ? MAX_SMALL_BODY_BYTES : MAX,
      ]);
      expect(maxBodyBytes(CHANNEL[name], 'down', MAX)).toBe(MAX);
    }
    expect(maxBodyBytes(CHANNEL.inputs, 'up', 100)).toBe(100);
  });
});
