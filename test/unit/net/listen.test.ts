// SPDX-License-Identifier: Apache-2.0
// One way to listen, on loopback.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { StartupError } from '../../../src/exception.js';
import { listen } from '../../../src/net/listen.js';

const servers: Server[] = [];
const log = { error: jest.fn() };

function server(): Server {
  const made = createServer((socket) => socket.end());
  servers.push(made);
  return made;
}

function at(host: string, port = 0): Parameters<typeof listen>[1] {
  return { host, port, option: '[api] address, port', log };
}

afterEach(() => {
  for (const one of servers.splice(0)) one.close();
});

describe('listen', () => {
  it('gives the port that the server got', async () => {
    const { address, port } = await listen(server(), at('127.0.0.1'));
    expect(address).toBe('127.0.0.1');
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    client.destroy();
  });

  it('names option, place, fault and remedy when the port is taken', async () => {
    const { port } = await listen(server(), at('127.0.0.1'));
    const fault: unknown = await listen(server(), at('127.0.0.1', port)).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(StartupError);
    expect((fault as Error).message).toBe(
      `[api] address, port: cannot listen on 127.0.0.1 port ${String(port)} (EADDRINUSE): ` +
        'the port is taken by another program; stop it or choose another port',
    );
  });

  it('says so when this host does not have the address', async () => {
    await expect(listen(server(), at('192.0.2.99'))).rejects.toThrow(
      'cannot listen on 192.0.2.99 port 0 (EADDRNOTAVAIL): this host does not have the address',
    );
  });

  it('listens on all IPv4 addresses where :: cannot be had', async () => {
    const one = server();
    // A host without IPv6 answers so.
    jest.spyOn(one, 'listen').mockImplementationOnce(() => {
      queueMicrotask(() => one.emit('error', Object.assign(new Error('no IPv6'), { code: 'EAFNOSUPPORT' })));
      return one;
    });
    const place = await listen(one, at('::'));
    expect(place.address).toBe('0.0.0.0');
  });

  it('reports a fault after the start in place of ending the process', async () => {
    const one = server();
    await listen(one, at('127.0.0.1'));
    const fault = new Error('too many open files');
    one.emit('error', fault);
    expect(log.error).toHaveBeenCalledWith('listener fault', { error: fault });
    expect((one.address() as AddressInfo).port).toBeGreaterThan(0);
  });
});
