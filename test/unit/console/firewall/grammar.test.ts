// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { grammarOf, MAX_SMALL_BODY_BYTES, maxBodyBytes } from '../../../../src/console/firewall/grammar.js';
import { CHANNEL, type ChannelName } from '../../../../src/console/spice/constants.js';
import { NO_LIMIT, rowsOf } from '../../../fixtures/message-tables.js';

const MAX = 1 << 20;
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
