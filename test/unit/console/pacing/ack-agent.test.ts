// SPDX-License-Identifier: Apache-2.0
// The two counts of a channel, between a server that counts as spice-server does and clients of all kinds, with everything
// in flight for as long as chance likes.
import { describe, expect, it } from '@jest/globals';
import { AckAgent, readSetAck, setAckBody, type SetAck } from '../../../../src/console/pacing/ack-agent.js';
import { SeededRandom } from '../../../fixtures/random.js';

const MANNERS = ['gtk', 'eager', 'silent', 'doubled', 'liar', 'early'] as const;
type Manners = (typeof MANNERS)[number];

type ToClient = SetAck | 'message';
type ToProxy = { readonly sync: number } | 'ack';

/** Server, agent and client, with a line between each two of them. */
class Peers {
  readonly agent = new AckAgent();
  readonly server = { generation: 0, window: 20, known: -1, count: 0, sent: 0, wedged: false };
  readonly client = { window: 0, left: 0, got: 0 };
  toServer: ({ readonly sync: number } | 'ack')[] = [];
  toClient: ToClient[] = [];
  toProxy: ToProxy[] = [];
  /** Messages of the server that the agent has seen. */
  messages = 0;
  plain: boolean;

  constructor(
    private readonly manners: Manners,
    paced: boolean,
    private readonly random: SeededRandom,
  ) {
    this.plain = !paced;
    this.setAck(20);
  }

  /** The server changes its window; in the plain relay it never does so but at the start. */
  setAck(window: number): void {
    const { server, agent } = this;
    server.generation += 1;
    server.window = window;
    server.count = 1;
    server.sent += 1;
    this.messages += 1;
    const said = { generation: server.generation, window };
    if (this.plain) {
      agent.relayed(said, this.messages);
      this.toClient.push(said);
      return;
    }
    this.toClient.push(agent.taken(said, this.messages));
    this.toServer.push({ sync: said.generation });
  }

  takeOver(): void {
    const { toClient, sync } = this.agent.takeOver();
    if (sync !== null) this.toServer.push({ sync });
    this.toClient.push(toClient);
    this.plain = false;
  }

  handBack(): void {
    this.giveAcks();
    this.toClient.push(this.agent.handBack());
    this.plain = true;
  }

  /** Something happens. @returns whether anything could */
  step(): boolean {
    const ways = [
      () => this.serverSends(),
      () => this.serverHears(),
      () => this.clientGets(),
      () => this.proxyHears(),
      () => this.giveAcks(),
    ];
    const first = this.random.below(ways.length);
    for (let way = 0; way < ways.length; way += 1)
      if (ways[(first + way) % ways.length]?.() === true) return true;
    return false;
  }

  /** Everything that is on its way arrives; the server sends nothing more. */
  settle(): void {
    for (let moved = true; moved;)
      moved = [this.clientGets(), this.proxyHears(), this.giveAcks(), this.serverHears()].includes(true);
  }

  serverSends(): boolean {
    const { server } = this;
    if (server.wedged || server.count > 2 * server.window) return false;
    server.count += 1;
    server.sent += 1;
    this.messages += 1;
    this.toClient.push('message');
    return true;
  }

  private serverHears(): boolean {
    const { server } = this;
    const next = this.toServer.shift();
    if (next === undefined) return false;
    if (next !== 'ack') {
      server.known = next.sync;
      return true;
    }
    if (server.known !== server.generation) return true;
    if (server.count < server.window) server.wedged = true;
    server.count -= server.window;
    return true;
  }

  private clientGets(): boolean {
    const { client, manners } = this;
    const next = this.toClient.shift();
    if (next === undefined) return false;
    client.got += 1;
    const setAck = next === 'message' ? null : next;
    if (setAck === null || manners !== 'eager') this.countDown();
    if (setAck === null || manners === 'silent') return true;
    client.window = setAck.window;
    client.left = client.window;
    this.toProxy.push({ sync: manners === 'liar' ? setAck.generation + 0x5555 : setAck.generation });
    if (manners === 'eager') this.countDown();
    return true;
  }

  private countDown(): void {
    const { client, manners } = this;
    if (manners === 'early' && this.random.below(4) === 0) this.toProxy.push('ack');
    if (client.left === 0) return;
    client.left -= 1;
    if (client.left > 0) return;
    client.left = client.window;
    this.toProxy.push('ack');
    if (manners === 'doubled') this.toProxy.push('ack');
  }

  private proxyHears(): boolean {
    const next = this.toProxy.shift();
    if (next === undefined) return false;
    const fate = next === 'ack' ? this.agent.clientAck(this.messages) : this.agent.clientSync(next.sync);
    if (fate === 'pass') this.toServer.push(next);
    return true;
  }

  private giveAcks(): boolean {
    const due = this.agent.due(this.messages);
    for (let given = 0; given < due; given += 1) {
      this.agent.acknowledged();
      this.toServer.push('ack');
    }
    return due > 0;
  }
}

function play(manners: Manners, seed: number): Peers {
  const random = new SeededRandom(seed);
  const peers = new Peers(manners, random.below(2) === 0, random);
  for (let step = 0; step < 1500; step += 1) {
    peers.step();
    if (random.below(150) !== 0) continue;
    if (peers.plain) peers.takeOver();
    else if (random.below(2) === 0) peers.handBack();
    else peers.setAck(1 + random.below(60));
  }
  return peers;
}

describe('the ACK agent', () => {
  it.each(MANNERS)('never lets a server be acknowledged too early: a client that is %s', (manners) => {
    for (let seed = 1; seed <= 60; seed += 1)
      expect([seed, play(manners, seed).server.wedged]).toEqual([seed, false]);
  });

  it.each(['gtk', 'eager'] as const)(
    'never lets a server wait for ever, whichever way it goes: a client that is %s',
    (manners) => {
      for (let seed = 1; seed <= 60; seed += 1) {
        const peers = play(manners, seed);
        for (let round = 0; round < 3; round += 1) {
          peers.settle();
          const before = peers.server.sent;
          for (let sent = 0; sent < 10 * peers.server.window; sent += 1) {
            peers.serverSends();
            peers.settle();
          }
          expect([seed, peers.server.sent - before]).toEqual([seed, 10 * peers.server.window]);
          if (peers.plain) peers.takeOver();
          else peers.handBack();
        }
      }
    },
  );

  it('holds a server up no more than a silent client does by itself', () => {
    const peers = new Peers('silent', false, new SeededRandom(1));
    while (peers.step());
    expect(peers.server.sent).toBe(41);
  });

  it('knows what is no SET_ACK', () => {
    expect(readSetAck(Buffer.alloc(7))).toBeNull();
    expect(readSetAck(setAckBody({ generation: 1, window: 0 }))).toBeNull();
    expect(readSetAck(setAckBody({ generation: 1, window: 65_537 }))).toBeNull();
    expect(readSetAck(setAckBody({ generation: 0xffffffff, window: 20 }))).toEqual({
      generation: 0xffffffff,
      window: 20,
    });
  });

  it('leaves the ACKs alone of a server whose window it has not seen', () => {
    const agent = new AckAgent();
    agent.relayed({ generation: 1, window: 20 }, 1);
    expect(agent.clientSync(1)).toBe('pass');
    agent.lose();
    expect(agent.ready).toBe(false);
    expect(agent.clientSync(2)).toBe('pass');
    for (let sent = 0; sent < 100; sent += 1) expect(agent.clientAck(2)).toBe('pass');
  });
});
