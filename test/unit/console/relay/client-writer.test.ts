// SPDX-License-Identifier: Apache-2.0
import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { ClientWriter } from '../../../../src/console/relay/client-writer.js';

/** A socket that takes one write at a time, and joins those that wait behind each other, as TLS does. */
class SlowSocket extends Writable {
  /** What each TLS write held. */
  readonly writes: string[] = [];
  private done: (() => void)[] = [];

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.writes.push(chunk.toString());
    this.done.push(callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk.toString()).join('+'));
    this.done.push(callback);
  }

  /** The write that is under way comes to its end. */
  async take(): Promise<void> {
    this.done.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

class Scene {
  readonly socket = new SlowSocket();
  readonly writer = new ClientWriter(this.socket);
  drains = 0;

  constructor() {
    this.writer.drained = () => (this.drains += 1);
  }
}

describe('ClientWriter', () => {
  it('goes from idle over writing to idle, and tells when all is taken', async () => {
    const scene = new Scene();
    const { socket, writer } = scene;
    expect([writer.state, writer.busy]).toEqual(['idle', false]);
    expect(writer.write(Buffer.from('one'), 0, 'kept')).toBe(true);
    expect([writer.state, writer.busy]).toEqual(['writing', true]);
    await socket.take();
    expect([writer.state, writer.busy, socket.writes]).toEqual(['idle', false, ['one']]);
    expect(scene.drains).toBe(1);
  });

  it('cuts a chunk in two writes that are never joined, whatever waits behind them', async () => {
    const scene = new Scene();
    const { socket, writer } = scene;
    writer.write(Buffer.from('aab'), 2, 'kept');
    expect(writer.write(Buffer.from('ccd'), 2, 'kept')).toBe(false);
    expect(writer.write(Buffer.from('e'), 0, 'kept')).toBe(false);
    expect(writer.state).toBe('behind');
    for (let turn = 0; turn < 5; turn += 1) await socket.take();
    expect(socket.writes).toEqual(['aa', 'b', 'cc', 'd', 'e']);
    expect([writer.state, scene.drains]).toEqual(['idle', 1]);
  });

  it('copies what must outlive the return, and only that', async () => {
    const { socket, writer } = new Scene();
    const shared = Buffer.from('aab');
    writer.write(shared, 2, 'until_return');
    shared.fill('x');
    writer.write(Buffer.from('cc'), 0, 'kept');
    const later = Buffer.from('dd');
    writer.write(later, 0, 'until_return');
    later.fill('x');
    for (let turn = 0; turn < 4; turn += 1) await socket.take();
    // The first part is with TLS before write() returns.
    expect(socket.writes).toEqual(['aa', 'b', 'cc', 'dd']);
  });

  it('copies every chunk that does not stay for a leg that keeps what it is given', async () => {
    const socket = new SlowSocket();
    const kept: Buffer[] = [];
    socket._write = (chunk: Buffer, _encoding, done): void => {
      kept.push(chunk);
      setImmediate(done);
    };
    const writer = new ClientWriter(socket, false);
    const shared = Buffer.from('aab');
    writer.write(shared, 2, 'until_return');
    shared.fill('x');
    for (let turn = 0; turn < 4; turn += 1) await socket.take();
    expect(kept.map(String)).toEqual(['aa', 'b']);
  });

  it('hands over what waits when it ends, and takes nothing more', async () => {
    const scene = new Scene();
    const { socket, writer } = scene;
    writer.write(Buffer.from('a'), 0, 'kept');
    writer.write(Buffer.from('b'), 0, 'kept');
    writer.end();
    expect([writer.state, writer.write(Buffer.from('c'), 0, 'kept')]).toEqual(['ended', false]);
    await socket.take();
    await socket.take();
    expect([socket.writes, scene.drains]).toEqual([['a', 'b'], 0]);
  });
});
