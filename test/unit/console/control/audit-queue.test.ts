// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { AuditQueue } from '../../../../src/console/control/audit-queue.js';
import type { AuditEntry } from '../../../../src/objects/audit-event.js';
import { ManualTimers } from '../../../fixtures/manual-timers.js';

/** The events of a database that can be away. */
class Events {
  away = false;
  attempts = 0;
  dropped = 0;
  readonly batches: string[][] = [];
  readonly times: (number | undefined)[] = [];

  recordMany(entries: readonly AuditEntry[]): Promise<void> {
    this.attempts += 1;
    if (this.away) return Promise.reject(new Error('the database is away'));
    this.times.push(...entries.map(({ timestamp }) => timestamp));
    this.batches.push(entries.map(({ message }) => message));
    return Promise.resolve();
  }
}

function entry(message: string): AuditEntry {
  return { source: 'lab', uuid: 'u', message };
}

/** Time, and what it is of day. */
const NOW = 1_900_000_000;
function queueOf(events: Events, timers = new ManualTimers()): AuditQueue {
  const dropped = (): void => void (events.dropped += 1);
  return new AuditQueue(events, { timers, now: () => NOW + timers.now() / 1000, dropped });
}

const names = (count: number): string[] => Array.from({ length: count }, (_unused, index) => String(index));

describe('AuditQueue', () => {
  it('gathers for an instant and writes in order', async () => {
    const events = new Events();
    const timers = new ManualTimers();
    const queue = queueOf(events, timers);
    names(450).forEach((message) => queue.add(entry(message)));
    await timers.pass(199);
    expect(events.batches).toHaveLength(0);
    await timers.pass(1);
    expect(events.batches.map(({ length }) => length)).toEqual([200, 200, 50]);
    expect(events.batches.flat()).toEqual(names(450));
    await queue.close();
  });

  it('keeps events while the database is away, and loses none that fit', async () => {
    const events = new Events();
    events.away = true;
    const timers = new ManualTimers();
    const queue = queueOf(events, timers);
    names(3).forEach((message) => queue.add(entry(message)));
    await timers.pass(200);
    expect(events.attempts).toBe(1);
    await timers.pass(1000);
    expect(events.attempts).toBe(2);
    events.away = false;
    queue.add(entry('3'));
    await timers.pass(1000);
    expect(events.batches.flat()).toEqual(names(4));
    await queue.close();
    expect(events.attempts).toBe(3);
  });

  it('writes when something happened, not when the database was back', async () => {
    const events = new Events();
    events.away = true;
    const timers = new ManualTimers();
    const queue = queueOf(events, timers);
    queue.add(entry('first'));
    await timers.pass(60_000);
    events.away = false;
    queue.add({ ...entry('second'), timestamp: 7 });
    await queue.close();
    expect(events.times).toEqual([NOW, 7]);
  });

  it('writes nothing twice when events come while it ends', async () => {
    const events = new Events();
    const queue = queueOf(events);
    const written = events.recordMany.bind(events);
    let goOn: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => (goOn = resolve));
    events.recordMany = async (entries) => {
      await slow;
      return written(entries);
    };
    queue.add(entry('0'));
    const closed = queue.close();
    queue.add(entry('1'));
    goOn();
    await closed;
    expect(events.batches.flat()).toEqual(['0', '1']);
  });

  it('is bounded', async () => {
    const events = new Events();
    events.away = true;
    const queue = queueOf(events);
    names(10_500).forEach((message) => queue.add(entry(message)));
    events.away = false;
    await queue.close();
    expect(events.batches.flat()).toEqual(names(10_000));
    expect(events.dropped).toBe(500);
  });

  it('gives up at the end when the database stays away', async () => {
    const events = new Events();
    events.away = true;
    const queue = queueOf(events);
    queue.add(entry('lost'));
    await queue.close();
    expect(events.batches).toHaveLength(0);
  });
});
