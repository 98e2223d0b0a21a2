// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  encryptTicket,
  KEY_MAX_USES,
  TicketKey,
  TicketKeys,
} from '../../../../src/console/listener/ticket-key.js';
import {
  decryptTicket,
  encryptTicket as encryptByHand,
  makeTicketKey,
} from '../../../fixtures/spice-ticket.js';
import { waitFor } from '../../../fixtures/program.js';

describe('TicketKey', () => {
  it('is shown in 162 bytes and opens what was encrypted to it, up to the first NUL', async () => {
    const key = await TicketKey.create();
    expect(key.publicKey).toHaveLength(162);
    expect(key.decrypt(encryptByHand(key.publicKey, 'a token'))).toBe('a token');
    expect(key.decrypt(encryptByHand(key.publicKey, 'a\0b'))).toBe('a');
    expect(key.decrypt(encryptByHand(key.publicKey, ''))).toBe('');
  });

  it('gives null for a block that does not decrypt', async () => {
    const key = await TicketKey.create();
    expect(key.decrypt(Buffer.alloc(128))).toBeNull();
    expect(key.decrypt(Buffer.alloc(5))).toBeNull();
    expect(key.decrypt(encryptByHand(makeTicketKey().publicKey, 'a token'))).toBeNull();
  });

  it('opens a block without the zero byte that it should start with, as spice-html5 sends it', async () => {
    const key = await TicketKey.create();
    let block: Buffer;
    do block = encryptByHand(key.publicKey, 'a token');
    while (block[0] !== 0);
    const sent = Buffer.concat([block.subarray(1), Buffer.alloc(1)]);
    expect(key.decrypt(block)).toBe('a token');
    expect(key.decrypt(sent)).toBe('a token');
  });
});

describe('TicketKeys', () => {
  it('replaces the key after its uses; links keep the one they were shown', async () => {
    const keys = await TicketKeys.create();
    const first = keys.take();
    for (let use = 1; use < KEY_MAX_USES; use += 1) keys.take();
    // It is made on the thread pool.
    await waitFor('the key is replaced', () => keys.take() !== first);
    expect(first.decrypt(encryptByHand(first.publicKey, 'late'))).toBe('late');
    keys.close();
  });
});

describe('the ticket for a backend', () => {
  it('is 128 bytes that a spice-server opens', () => {
    const { publicKey, privateKey } = makeTicketKey();
    const block = encryptTicket(publicKey, 's3cret');
    expect(block).toHaveLength(128);
    expect(decryptTicket(privateKey, block)).toBe('s3cret');
  });

  it('is refused for a key that is none', () => {
    expect(() => encryptTicket(Buffer.alloc(162, 1), 's3cret')).toThrow();
  });
});
