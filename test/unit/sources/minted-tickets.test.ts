// SPDX-License-Identifier: Apache-2.0
// One ticket for a console at a time, for as long as it lasts.
import { describe, expect, it } from '@jest/globals';
import { Unavailable } from '../../../src/exception.js';
import type { ConnectInfo } from '../../../src/objects/connect-info.js';
import type { Minted } from '../../../src/sources/driver.js';
import { MintedTickets, type TicketWish } from '../../../src/sources/minted-tickets.js';

const CONSOLE: TicketWish = { source: 'cloud', uuid: '100' };

/** Tickets whose clock stands still unless it is moved, and a platform that counts. */
class Scene {
  seconds = 0;
  made = 0;
  hypervisor = 'node1';
  validFor = 30;
  /** What the platform waits for, and what it rejects with. */
  gate: Promise<void> = Promise.resolve();
  fault: Error | null = null;
  readonly tickets = new MintedTickets(undefined, () => this.seconds * 1000);

  readonly mint = async (): Promise<Minted> => {
    this.made += 1;
    const ticket = `ticket-${String(this.made)}`;
    await this.gate;
    if (this.fault !== null) throw this.fault;
    const target = { hypervisor: this.hypervisor, ticket } as ConnectInfo;
    return { target, validFor: this.validFor };
  };

  async take(wish: Partial<TicketWish> = {}): Promise<string> {
    const { minted } = await this.tickets.take({ ...CONSOLE, ...wish }, 5, this.mint);
    return minted.target.ticket;
  }

  async numberOf(wish: Partial<TicketWish> = {}): Promise<number> {
    return (await this.tickets.take({ ...CONSOLE, ...wish }, 5, this.mint)).number;
  }
}

describe('the tickets that platforms make', () => {
  it('are made once for all channels that ask at the same time, and serve those that come while they last', async () => {
    const scene = new Scene();
    const burst = await Promise.all([scene.take(), scene.take(), scene.take()]);
    expect(burst).toEqual(['ticket-1', 'ticket-1', 'ticket-1']);
    scene.seconds = 24.9;
    expect(await scene.take()).toBe('ticket-1');
    scene.seconds = 25;
    expect(await scene.take()).toBe('ticket-2');
    expect(scene.made).toBe(2);
  });

  it('are another one for each console, and of two sources', async () => {
    const scene = new Scene();
    const taken = await Promise.all([
      scene.take(),
      scene.take({ uuid: '101' }),
      scene.take({ source: 'other' }),
    ]);
    expect(new Set(taken).size).toBe(3);
  });

  it('age from the moment they were asked for, and are kept for two minutes at most', async () => {
    const scene = new Scene();
    let open = (): void => undefined;
    scene.gate = new Promise((resolve) => (open = resolve));
    const slow = scene.take();
    // It is the node's turn at once.
    await new Promise((resolve) => setImmediate(resolve));
    scene.seconds = 4;
    open();
    expect(await slow).toBe('ticket-1');
    scene.seconds = 25;
    scene.validFor = 7200;
    expect(await scene.take()).toBe('ticket-2');
    scene.seconds = 25 + 114;
    expect(await scene.take()).toBe('ticket-2');
    scene.seconds = 25 + 115;
    expect(await scene.take()).toBe('ticket-3');
  });

  it('are made again when one was refused, once for all channels that it was refused for', async () => {
    const scene = new Scene();
    const first = await scene.numberOf();
    const both = await Promise.all([scene.numberOf({ refused: first }), scene.numberOf({ refused: first })]);
    expect(new Set(both).size).toBe(1);
    expect(both[0]).toBeGreaterThan(first);
    // It comes late: by now there is a newer one.
    expect(await scene.numberOf({ refused: first })).toBe(both[0]);
    expect(scene.made).toBe(2);
  });

  it('are made again when the guest runs on another host by now', async () => {
    const scene = new Scene();
    await scene.take({ hypervisor: 'node1' });
    scene.hypervisor = 'node2';
    expect(await scene.take({ hypervisor: 'node1' })).toBe('ticket-1');
    expect(await scene.take({ hypervisor: 'node2' })).toBe('ticket-2');
    expect(await scene.take()).toBe('ticket-2');
  });

  it('are asked for anew after a failure, which all that waited hear of', async () => {
    const scene = new Scene();
    scene.fault = new Unavailable('HTTP 500');
    const waited = await Promise.allSettled([scene.take(), scene.take()]);
    expect(waited.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(scene.made).toBe(1);
    scene.fault = null;
    expect(await scene.take()).toBe('ticket-2');
  });

  it('are not waited for longer than may be, even where the platform does not heed that', async () => {
    const tickets = new MintedTickets();
    const never = tickets.take(CONSOLE, 0.01, () => new Promise(() => undefined));
    await expect(never).rejects.toThrow('did not make a ticket in time');
  });
});

describe('the turns of nodes', () => {
  const made = { target: { hypervisor: 'node1', ticket: 'ticket' } as ConnectInfo, validFor: 30 };

  it('are waited for before a ticket is made, and kept for a moment after that', async () => {
    const asked: (readonly [string, number])[] = [];
    const turns = {
      take: (_source: string, uuid: string, seconds: number) => {
        asked.push([uuid, seconds]);
        return Promise.resolve(asked.length > 2);
      },
      giveUp: () => Promise.reject(new Error('it was made')),
    };
    let mints = 0;
    const make = (): Promise<Minted> => {
      mints += 1;
      expect(asked).toHaveLength(3);
      return Promise.resolve(made);
    };
    await new MintedTickets(turns).take(CONSOLE, 5, make);
    expect([mints, asked]).toEqual([
      1,
      [
        ['100', 6],
        ['100', 6],
        ['100', 6],
        ['100', 1],
      ],
    ]);
  });

  it('are given up when none was made', async () => {
    const given: string[] = [];
    const turns = {
      take: () => Promise.resolve(true),
      giveUp: (source: string, uuid: string) => {
        given.push(`${source} ${uuid}`);
        return Promise.reject(new Error('the database is away'));
      },
    };
    const failing = new MintedTickets(turns).take(CONSOLE, 5, () => Promise.reject(new Unavailable('no')));
    await expect(failing).rejects.toThrow('no');
    expect(given).toEqual(['cloud 100']);
  });

  it('are not waited for longer than a ticket may take', async () => {
    const turns = { take: () => Promise.resolve(false), giveUp: () => Promise.resolve() };
    const waiting = new MintedTickets(turns).take(CONSOLE, 0.1, () => Promise.resolve(made));
    await expect(waiting).rejects.toThrow('other nodes have tickets made for the same console');
  });
});
