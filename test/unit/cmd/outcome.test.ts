// SPDX-License-Identifier: Apache-2.0
// What an operator reads when a program cannot go on.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { describeFault } from '../../../src/cmd/outcome.js';
import { ConfError } from '../../../src/exception.js';

describe('describeFault', () => {
  it('is the message of our own exceptions', () => {
    expect(describeFault(new ConfError('api', 'port', 'bad', 'mend it'))).toBe('[api] port: bad; mend it');
  });

  it('names the file that cannot be read', () => {
    let caught: unknown;
    try {
      readFileSync('/absent/file');
    } catch (error) {
      caught = error;
    }
    expect(describeFault(caught)).toBe('/absent/file: there is no such file or directory');
  });

  it('names the port that is taken', async () => {
    const first = createServer();
    await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve));
    const { port } = first.address() as AddressInfo;
    const second = createServer();
    const caught = await new Promise((resolve) => second.once('error', resolve).listen(port, '127.0.0.1'));
    first.close();
    expect(describeFault(caught)).toBe(`127.0.0.1:${port}: the port is taken by another process`);
  });

  it('has no words for bugs', () => {
    expect([describeFault(new TypeError('x')), describeFault('x'), describeFault(undefined)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
