// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  agentToken,
  channelsList,
  drawCopy,
  inputsInit,
  mainInit,
  migrateSwitchHost,
  monitorsConfig,
  surfaceCreate,
  surfaceDestroy,
} from '../../../../src/console/spice/screen-messages.js';

const hex = (bytes: Buffer): string => bytes.toString('hex');
const SIZE = { width: 800, height: 600 };

// The layouts of spice.proto, written out by hand.
describe('messages of a still picture', () => {
  it('MAIN_INIT: id, one display, positions of the pointer, agent and its tokens', () => {
    expect(hex(mainInit({ sessionId: 0xdd08ef3c, agentTokens: 10 }))).toBe(
      '3cef08dd' + '01000000' + '02000000' + '02000000' + '01000000' + '0a000000' + '00000000' + '00000001',
    );
    expect(hex(mainInit({ sessionId: 1, agentTokens: 0 })).slice(32, 48)).toBe('0000000000000000');
  });

  it('CHANNELS_LIST: count, then type and id of each', () => {
    expect(hex(channelsList([2, 3]))).toBe('02000000' + '0200' + '0300');
  });

  it('AGENT_TOKEN and INPUTS_INIT', () => {
    expect(hex(agentToken(1))).toBe('01000000');
    expect(hex(inputsInit())).toBe('0000');
  });

  it('MIGRATE_SWITCH_HOST: no plain port, lengths with their NUL, offsets from the start of the body', () => {
    const body = migrateSwitchHost({ host: '127.0.0.1', tlsPort: 5999, certSubject: 'O=lab,CN=127.0.0.1' });
    // As recorded for 101 with both ports, but for the plain port.
    expect(hex(body.subarray(0, 20))).toBe(
      '0000' + '6f17' + '0a000000' + '14000000' + '13000000' + '1e000000',
    );
    expect(body.toString('latin1', 20)).toBe('127.0.0.1\0O=lab,CN=127.0.0.1\0');
    const bare = migrateSwitchHost({ host: 'h', tlsPort: 1, certSubject: '' });
    expect(hex(bare)).toBe('0000' + '0100' + '02000000' + '14000000' + '00000000' + '00000000' + '6800');
  });

  it('SURFACE_CREATE and SURFACE_DESTROY of the primary surface', () => {
    expect(hex(surfaceCreate(SIZE))).toBe('00000000' + '20030000' + '58020000' + '20000000' + '01000000');
    expect(hex(surfaceDestroy())).toBe('00000000');
  });

  it('MONITORS_CONFIG: one monitor over the whole surface', () => {
    expect(hex(monitorsConfig(SIZE))).toBe(
      '0100' +
        '0100' +
        '00000000' +
        '00000000' +
        '20030000' +
        '58020000' +
        '00000000' +
        '00000000' +
        '00000000',
    );
  });

  it('DRAW_COPY: box, source, PUT, no mask, and the image behind it where its pointer says', () => {
    const body = drawCopy(7n, SIZE, Buffer.from('cafe', 'hex'));
    const rect = '00000000' + '00000000' + '58020000' + '20030000';
    const fixed = '00000000' + rect + '00' + '39000000' + rect + '0800' + '00' + '00' + '00'.repeat(12);
    const image = '0700000000000000' + '65' + '00' + '20030000' + '58020000' + '02000000' + 'cafe';
    expect(hex(body)).toBe(fixed + image);
    expect(body.readUInt32LE(21)).toBe(fixed.length / 2);
  });
});
