// SPDX-License-Identifier: Apache-2.0
// The users of the cluster: opens desktops, knows through which proxies their channels run, counts who lost a session.
import type { ChannelName } from '../../src/console/spice/constants.js';
import { delay } from '../fixtures/program.js';
import { Desktop, OTHER_CHANNELS } from './desktop.js';
import type { NodeName } from './node.js';
import type { Site } from './site.js';

/** Where the channels of a session run. */
export type Placement = ReadonlyMap<string, ReadonlySet<NodeName>>;

/** What is remembered over all faults. */
export interface Memory {
  /** Sessions whose termination the API has acknowledged. */
  readonly terminated: string[];
  /** Tokens that were handed out: none may be in any log. */
  readonly secrets: Set<string>;
}

/** All users of one fault. */
export class Users {
  readonly desktops: Desktop[] = [];
  private next = 0;

  constructor(
    private readonly site: Site,
    private readonly memory: Memory,
  ) {}

  /** Takes a token and opens nothing yet. */
  async arrive(): Promise<Desktop> {
    const { site } = this;
    const addresses = site.network.clientAddresses;
    // The first guest is for clients with a display, and serves one of them at a time.
    const desk = site.desks[1 + (this.next % (site.desks.length - 1))]!;
    const address = addresses[this.next % addresses.length]!;
    this.next += 1;
    const vv = await site.vv(desk);
    const sessionId = /session ID (\w+)/.exec(vv.values.get('title') ?? '')?.[1];
    if (sessionId === undefined) throw new Error('the title of the .vv file names no session');
    const desktop = new Desktop(sessionId, vv, address);
    this.memory.secrets.add(vv.password);
    this.desktops.push(desktop);
    return desktop;
  }

  /** A second client with the token of another, which stays as it is. */
  async join(first: Desktop): Promise<Desktop> {
    const desktop = first.twin();
    this.desktops.push(desktop);
    await desktop.openMain();
    for (const name of OTHER_CHANNELS) await desktop.add(name);
    return desktop;
  }

  /** Opens one session, its channels one after the other: the balancer spreads them over the proxies. */
  async open(others: readonly ChannelName[] = OTHER_CHANNELS): Promise<Desktop> {
    const desktop = await this.arrive();
    await desktop.openMain();
    for (const name of others) await desktop.add(name);
    return desktop;
  }

  /**
   * Opens sessions of every kind: some on one proxy alone, some on the other, some on both. Round robin gives every
   * second connection to the same proxy, so two users who take turns have one each.
   */
  async openMixed(pairs: number, spread: number): Promise<void> {
    for (let pair = 0; pair < pairs; pair += 1) {
      const both = [await this.arrive(), await this.arrive()];
      for (const desktop of both) await desktop.openMain();
      for (const name of OTHER_CHANNELS) for (const desktop of both) await desktop.add(name);
    }
    for (let count = 0; count < spread; count += 1) await this.open();
  }

  /** Through which proxies each open session runs, as the records say. */
  async placement(): Promise<Placement> {
    const rows = await this.site.rows<{ session_id: string; node: NodeName }>(
      'SELECT DISTINCT session_id, node FROM {schema}.console_connections WHERE closed IS NULL',
    );
    const placement = new Map<string, Set<NodeName>>();
    for (const { session_id, node } of rows) {
      placement.set(session_id, (placement.get(session_id) ?? new Set()).add(node));
    }
    return placement;
  }

  /** Users who lost a channel. */
  get lost(): Desktop[] {
    return this.desktops.filter(({ whole }) => !whole);
  }

  /** Sends something through every whole session; gives the slowest answer in milliseconds. @throws Error without one */
  async roundTrips(): Promise<number> {
    const times = await Promise.all(
      this.desktops.filter(({ whole }) => whole).map((desktop) => desktop.roundTrip()),
    );
    return Math.max(0, ...times);
  }

  /** Round trips again and again for so long. @throws Error when one is not answered */
  async keepWorking(milliseconds: number): Promise<number> {
    const end = Date.now() + milliseconds;
    let slowest = 0;
    while (Date.now() < end) {
      slowest = Math.max(slowest, await this.roundTrips());
      await delay(250);
    }
    return slowest;
  }

  /** Everybody who lost something comes back with the same token; gives the seconds of the slowest. */
  async reconnect(timeoutMs: number): Promise<number> {
    const times = await Promise.all(this.lost.map((desktop) => desktop.reconnect(timeoutMs)));
    return Math.max(0, ...times);
  }

  /** Everybody goes. */
  async leave(): Promise<void> {
    await Promise.all(this.desktops.map((desktop) => desktop.close()));
  }
}
