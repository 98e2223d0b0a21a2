// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { CHANNEL, channelName, SPICE_MAGIC } from '../../../../src/console/spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../../src/console/spice/message-types.js';
import { captures } from '../../../fixtures/captures.js';

describe('channel types', () => {
  it('are eleven, numbered from 1, with a name each', () => {
    expect(Object.values(CHANNEL)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    for (const [name, type] of Object.entries(CHANNEL)) {
      expect(channelName(type)).toBe(name);
    }
  });

  it.each([0, 12, 200, 255, -1, 1.5])('have no name for %d', (type) => {
    expect(channelName(type)).toBeNull();
  });
});

describe('the magic', () => {
  it('is REDQ on the wire', () => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(SPICE_MAGIC);
    expect(bytes.toString('ascii')).toBe('REDQ');
  });
});

describe('message types', () => {
  it('have tables for exactly the channels that carry messages', () => {
    const channels = ['common', ...Object.keys(CHANNEL).filter((name) => name !== 'tunnel')];
    expect(Object.keys(SERVER_MESSAGE)).toEqual(channels);
    expect(Object.keys(CLIENT_MESSAGE)).toEqual(channels);
  });

  it('are unique within a channel and direction, common ones included', () => {
    for (const table of [SERVER_MESSAGE, CLIENT_MESSAGE]) {
      for (const own of [{}, ...Object.values(table).slice(1)]) {
        const types = [...Object.values(table.common), ...Object.values(own)];
        expect(new Set(types).size).toBe(types.length);
      }
    }
  });

  it('hold every type that was recorded', () => {
    for (const { channel, dir, type } of captures.messages) {
      const table: Record<string, Record<string, number>> = dir === 's2c' ? SERVER_MESSAGE : CLIENT_MESSAGE;
      expect([...Object.values(table['common']!), ...Object.values(table[channel]!)]).toContain(type);
    }
  });
});
