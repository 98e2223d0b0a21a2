// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  allowedTypes,
  MAX_SMALL_BODY_BYTES,
  maxBodyBytes,
} from '../../../../src/console/firewall/allow-list.js';
import type { Direction } from '../../../../src/console/relay/stage.js';
import { CHANNEL, type ChannelName } from '../../../../src/console/spice/constants.js';

const MAX = 1 << 20;
const NAMES = (Object.keys(CHANNEL) as ChannelName[]).filter((name) => name !== 'tunnel');

/** All types that the policy lets pass. */
function allowed(name: ChannelName, direction: Direction): number[] {
  const table = allowedTypes(CHANNEL[name], direction) ?? new Uint8Array();
  return [...table.keys()].filter((type) => table[type] === 1);
}

type Ranges = readonly (readonly [first: number, last: number])[];

const DATA: Ranges = [[101, 102]];

/** Beside the common 1 to 6 of clients and 1 to 8 of servers; by the tables of spice.proto, not by our constants. */
const TABLES: Readonly<Partial<Record<ChannelName, Readonly<Record<Direction, Ranges>>>>> = {
  main: { up: [[101, 112]], down: [[101, 118]] },
  display: {
    up: [[101, 105]],
    down: [
      [101, 108],
      [122, 126],
      [302, 322],
    ],
  },
  inputs: {
    up: [
      [101, 104],
      [111, 114],
    ],
    down: [
      [101, 102],
      [111, 111],
    ],
  },
  cursor: { up: [], down: [[101, 108]] },
  playback: { up: [], down: [[101, 107]] },
  record: { up: [[101, 103]], down: [[101, 104]] },
  smartcard: { up: [[101, 101]], down: [[101, 101]] },
  usbredir: { up: DATA, down: DATA },
  port: { up: [...DATA, [201, 201]], down: [...DATA, [201, 202]] },
  webdav: { up: [...DATA, [201, 201]], down: [...DATA, [201, 202]] },
};

function known(name: ChannelName, direction: Direction): number[] {
  const common: Ranges = [[1, direction === 'up' ? 6 : 8]];
  return [...common, ...(TABLES[name]?.[direction] ?? [])].flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_unused, index) => first + index),
  );
}

describe.each(NAMES)('the policy of %s', (name) => {
  it('lets a client send what the protocol knows and nothing else', () => {
    expect(allowed(name, 'up')).toEqual(known(name, 'up'));
  });

  it('lets a backend send what the protocol knows and nothing else', () => {
    expect(allowed(name, 'down')).toEqual(known(name, 'down'));
  });
});

describe('the size of bodies', () => {
  it('is small for what a client sends on inputs and cursor', () => {
    for (const name of NAMES) {
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

describe('the tunnel channel', () => {
  it('is not restricted by type: it has no messages', () => {
    expect(allowedTypes(CHANNEL.tunnel, 'up')).toBeNull();
  });
});
