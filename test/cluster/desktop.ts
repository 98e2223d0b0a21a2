// SPDX-License-Identifier: Apache-2.0
// A user at a desktop: a .vv file, a SPICE client with several channels through the balancer, and a way to see that
// bytes really go to the guest and come back. A session counts as lost when any of its channels has ended.
import type { ClientChannel } from '../fixtures/spice-client.js';
import { SpiceClient } from '../fixtures/spice-client.js';
import { delay } from '../fixtures/program.js';
import type { VvFile } from '../fixtures/vv-file.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../src/console/spice/message-types.js';
import type { ChannelName } from '../../src/console/spice/constants.js';

/** spice-server acknowledges every so many motions of the mouse [spice-protocol SPICE_INPUT_MOTION_ACK_BUNCH]. */
const ACK_BUNCH = 4;
const RECONNECT_PAUSE_MS = 500;

/** Channels beside main. No display: spice-server holds all of QEMU until a display client has said INIT. */
export const OTHER_CHANNELS: readonly ChannelName[] = ['inputs', 'cursor'];

/** One user. */
export class Desktop {
  private client: SpiceClient;
  private motions = 0;
  private lists = 0;

  /** @param address where the user comes from */
  constructor(
    readonly sessionId: string,
    private readonly vv: VvFile,
    private readonly address: string,
  ) {
    this.client = this.newClient();
  }

  /** The channels of the present connection, those that ended included. */
  get channels(): readonly ClientChannel[] {
    return this.client.channels;
  }

  /** Channels that are open now. */
  get open(): ClientChannel[] {
    return this.client.channels.filter((channel) => channel.linked && channel.closeReason === null);
  }

  /** True while every channel that was opened is open. */
  get whole(): boolean {
    return this.channels.length > 0 && this.open.length === this.channels.length;
  }

  /** Links the main channel. @throws Error with the outcome when it is refused */
  async openMain(): Promise<void> {
    await this.client.openMain();
  }

  /** Links one more channel. @throws Error with the outcome when it is refused */
  async add(name: ChannelName): Promise<void> {
    await this.client.open(name);
    if (name === 'inputs') this.motions = 0;
  }

  /** Sends something on main and inputs and waits for the guest's answers; gives milliseconds. @throws Error without them */
  async roundTrip(timeoutMs = 5000): Promise<number> {
    const started = performance.now();
    await Promise.all([this.askMain(timeoutMs), this.moveMouse(timeoutMs)]);
    return performance.now() - started;
  }

  /**
   * Comes back with the same token, as a client does that lost its connection, until the main channel is up.
   * @returns seconds that it took
   * @throws Error with the last outcome
   */
  async reconnect(timeoutMs: number, others: readonly ChannelName[] = OTHER_CHANNELS): Promise<number> {
    const started = performance.now();
    for (;;) {
      await this.close();
      this.client = this.newClient();
      this.motions = 0;
      this.lists = 0;
      try {
        await this.openMain();
        for (const name of others) await this.add(name);
        return (performance.now() - started) / 1000;
      } catch (error) {
        if (performance.now() - started > timeoutMs) throw error;
        await delay(RECONNECT_PAUSE_MS);
      }
    }
  }

  /**
   * Tries the token for a main channel, beside what is open; gives the words for what came of it.
   * @param host a proxy's own address; the balancer's when not given
   */
  async tryToken(host?: string): Promise<string> {
    const probe = this.newClient(host);
    const channel = await probe.link('main');
    const { outcome } = channel;
    await channel.close();
    switch (outcome.type) {
      case 'linked':
        return 'linked';
      case 'reply_error':
        return `link error ${outcome.code}`;
      case 'result':
        return outcome.code === 7 ? 'permission denied' : `link result ${outcome.code}`;
      case 'closed':
        return `closed at ${outcome.stage}: ${outcome.reason}`;
    }
  }

  /** Resolves when every channel has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.channels.map(({ closed }) => closed));
  }

  /** Somebody else with the same token, who has opened nothing yet. */
  twin(): Desktop {
    return new Desktop(this.sessionId, this.vv, this.address);
  }

  /** Closes all channels. */
  async close(): Promise<void> {
    await this.client.close();
  }

  private newClient(address?: string): SpiceClient {
    const { tlsPort, ca, password } = this.vv;
    const host = address ?? this.vv.host;
    if (tlsPort === null || ca === undefined) throw new Error('the .vv file has no tls-port or no ca');
    return new SpiceClient({
      host,
      port: tlsPort,
      tls: { ca, checkServerIdentity: () => undefined },
      password,
      localAddress: this.address,
    });
  }

  private channel(name: ChannelName): ClientChannel | undefined {
    return this.channels.find((channel) => channel.name === name);
  }

  private async askMain(timeoutMs: number): Promise<void> {
    const main = this.channel('main');
    if (main === undefined) throw new Error('there is no main channel');
    main.send(CLIENT_MESSAGE.main.ATTACH_CHANNELS);
    this.lists += 1;
    await main.waitFor(SERVER_MESSAGE.main.CHANNELS_LIST, this.lists, timeoutMs);
  }

  private async moveMouse(timeoutMs: number): Promise<void> {
    const inputs = this.channel('inputs');
    if (inputs === undefined) return;
    for (let motion = 0; motion < ACK_BUNCH; motion += 1) {
      inputs.send(CLIENT_MESSAGE.inputs.MOUSE_MOTION, Buffer.alloc(10));
    }
    this.motions += 1;
    await inputs.waitFor(SERVER_MESSAGE.inputs.MOUSE_MOTION_ACK, this.motions, timeoutMs);
  }
}
