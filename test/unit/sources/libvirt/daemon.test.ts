// SPDX-License-Identifier: Apache-2.0
// A watched daemon that is away: how often it is tried again, and how often that is told.
import { PassThrough, type Duplex } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Unavailable } from '../../../../src/exception.js';
import { LibvirtDaemon } from '../../../../src/sources/libvirt/daemon.js';
import { ManualTimers, settled } from '../../../fixtures/manual-timers.js';

/** Watches a daemon to which `open` leads; gives when it was tried, in seconds, and what was told. */
async function watched(
  open: () => Promise<Duplex>,
  seconds: number,
): Promise<{ tried: number[]; told: string[] }> {
  const timers = new ManualTimers();
  const tried: number[] = [];
  const told: string[] = [];
  const transport = {
    open: () => {
      tried.push(timers.now() / 1000);
      return open();
    },
  };
  const common = { driver: 'qemu:///system', readOnly: true, withoutSasl: '', place: 'libvirt at kvm1' };
  const daemon = new LibvirtDaemon({ ...common, transport, timers });
  const over = new AbortController();
  const watching = daemon.watch(
    { changed: () => told.push('changed'), begun: () => told.push('begun'), ended: () => told.push('ended') },
    over.signal,
  );
  for (let step = 0; step < 2 * seconds; step += 1) {
    // What a stream tells takes turns of the loop.
    for (let turn = 0; turn < 5; turn += 1) await settled();
    await timers.pass(500);
  }
  over.abort();
  await watching;
  return { tried, told };
}

describe('a watched daemon', () => {
  it('that is away is tried ever more seldom, twice a minute at last, and told of once', async () => {
    const { tried, told } = await watched(() => Promise.reject(new Unavailable('away')), 100);
    expect(tried).toEqual([0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5]);
    expect(told).toEqual(['ended']);
  });

  it('that ends every connection at once is tried as seldom', async () => {
    const { tried } = await watched(() => Promise.resolve(new PassThrough().destroy()), 20);
    expect(tried).toEqual([0, 0.5, 1.5, 3.5, 7.5, 15.5]);
  });

  it('is tried no more when the watch is over', async () => {
    const timers = new ManualTimers();
    let tried = 0;
    const transport = {
      open: () => {
        tried += 1;
        return Promise.reject<Duplex>(new Unavailable('away'));
      },
    };
    const common = { driver: 'qemu:///system', readOnly: true, withoutSasl: '', place: 'libvirt at kvm1' };
    const over = new AbortController();
    const told = { changed: () => undefined, begun: () => undefined, ended: () => undefined };
    const watching = new LibvirtDaemon({ ...common, transport, timers }).watch(told, over.signal);
    await settled();
    over.abort();
    await watching;
    expect(timers.pending).toBe(0);
    expect(tried).toBe(1);
  });
});
