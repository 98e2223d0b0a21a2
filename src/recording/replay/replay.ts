// SPDX-License-Identifier: Apache-2.0
// Plays a recording: a SPICE server on loopback for one viewer, which gets all messages from the first one on, so that its
// caches are what the caches of then were. Take after take; between two of them the viewer is told to come again.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { TicketKey } from '../../console/listener/ticket-key.js';
import type { ClientMessage } from '../../console/spice/client-messages.js';
import { CHANNEL } from '../../console/spice/constants.js';
import type { LinkMess } from '../../console/spice/link-message.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../console/spice/message-types.js';
import { inputsInit, mainInit } from '../../console/spice/screen-messages.js';
import { Unavailable } from '../../exception.js';
import { systemTimers } from '../../net/timers.js';
import type { PrivateKey, ReadOutcome, RecordingSummary } from '../recording-reader.js';
import { placedEntries } from '../session-parts.js';
import { keyCommand, terminalCommands, type Command } from './commands.js';
import { ReplayClock } from './replay-clock.js';
import { channelsListOf, notifyOf, played, pointerMove, switchToPort } from './replay-messages.js';
import { takesOf, type Take } from './takes.js';
import { linkViewer, type ViewerChannel } from './viewer-channel.js';

/** The session id that the viewer gets. */
const SESSION_ID = 0x6b657262;
/** NAME_AND_UUID. */
const MAIN_CAPS = [0x2];
/** Milliseconds that a viewer gets to open the channels that it was told of. */
const OPENING_MS = 3000;
/** Milliseconds that a viewer gets to leave by itself. */
const LEAVING_MS = 2000;
const JUMP_MS = 10_000;

/** What is played, and how. */
export interface ReplayOptions {
  readonly parts: readonly RecordingSummary[];
  readonly key: PrivateKey;
  /** 0: any free one. */
  readonly port: number;
  readonly speed: number;
  /** Seconds from the beginning of the first take that are passed over. */
  readonly from: number;
  /** The last picture stays until the viewer goes. */
  readonly stay: boolean;
  readonly say: (line: string) => void;
}

/** Plays a session until it ends or the viewer goes. @throws Unavailable when the port cannot be had, InvalidInput */
export async function replayRecording(options: ReplayOptions): Promise<void> {
  const { takes, outcomes } = await takesOf(options.parts, options.key);
  for (const { complete, fault } of outcomes)
    if (!complete) options.say(`part of the recording is missing: ${fault ?? 'it has no end'}`);
  if (takes.length === 0) throw new Unavailable('nothing in the recording can be shown');
  const server = createServer();
  const replay = new Replay(options, takes, server, await TicketKey.create());
  server.on('connection', (socket) => void replay.accept(socket));
  try {
    server.listen(options.port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    throw new Unavailable(
      `port ${options.port} cannot be had (${(error as NodeJS.ErrnoException).code ?? 'fault'}); give another one`,
    );
  }
  const { port } = server.address() as AddressInfo;
  options.say(`waiting for a viewer: remote-viewer spice://127.0.0.1:${port}`);
  const stopTerminal = terminalCommands((command) => replay.command(command));
  try {
    await replay.run(port);
  } finally {
    stopTerminal();
    replay.closeAll();
    server.close();
  }
}

/** The server. */
class Replay {
  private take: Take | null = null;
  private channels: ViewerChannel[] = [];
  /** The channels of the take are open: nobody may come later. */
  private playing = false;
  private clock: ReplayClock;
  private wake: () => void = () => undefined;
  private quit = false;
  /** When the viewer's multimedia time began, of performance.now(). */
  private greetedAt = 0;
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly options: ReplayOptions,
    private readonly takes: readonly Take[],
    private readonly server: Server,
    private readonly ticketKey: TicketKey,
  ) {
    this.clock = new ReplayClock(systemTimers, options.speed);
  }

  async accept(socket: Socket): Promise<void> {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    const linked = await linkViewer(socket, this.ticketKey, (message) => this.capsOf(message));
    if (linked === null) return;
    const { channel, rest } = linked;
    this.channels.push(channel);
    socket.once('close', () => this.changed());
    channel.listen(rest, (message) => this.told(channel, message));
    const { channelType } = channel.message;
    if (channelType === CHANNEL.inputs) void channel.send(SERVER_MESSAGE.inputs.INIT, inputsInit());
    if (channelType === CHANNEL.main) await this.greet(channel);
    this.changed();
  }

  command(command: Command): void {
    const { clock, options } = this;
    switch (command) {
      case 'pause':
        clock.togglePause();
        options.say(clock.paused ? 'paused' : 'playing');
        return;
      case 'faster':
      case 'slower':
        clock.multiply(command === 'faster' ? 2 : 0.5);
        options.say(`speed ${clock.speed}`);
        return;
      case 'ahead':
        clock.ahead(clock.now + JUMP_MS);
        options.say(`at ${(clock.now / 1000).toFixed(0)} s`);
        return;
      case 'quit':
        this.quit = true;
        this.changed();
    }
  }

  async run(port: number): Promise<void> {
    const { say, from } = this.options;
    for (const [at, take] of this.takes.entries()) {
      this.begin(take);
      await this.until(() => this.viewerIsThere);
      const late = sleep(OPENING_MS, undefined, { ref: false }).then(() => 'late' as const);
      await Promise.race([this.until(() => this.allOpen || this.viewerIsGone), late]);
      this.playing = true;
      say(`playing, ${((take.end - take.begin) / 1e6).toFixed(1)} s`);
      this.clock = new ReplayClock(systemTimers, this.clock.speed);
      if (at === 0) this.clock.ahead(from * 1000);
      await this.play(take);
      if (this.over) break;
      if (at + 1 < this.takes.length) await this.sendOn(port);
    }
    say(this.viewerIsGone ? 'the viewer has left' : 'the recording has ended');
    if (!this.viewerIsGone && !this.quit) await this.sayGoodbye();
  }

  closeAll(): void {
    for (const channel of this.channels) channel.end();
    for (const socket of this.sockets) socket.destroySoon();
  }

  private begin(take: Take): void {
    this.take = take;
    this.channels = [];
    this.playing = false;
  }

  private capsOf({ channelType, channelId, connectionId }: LinkMess): readonly number[] | null {
    const { take } = this;
    const open = this.find(channelType, channelId) !== undefined;
    if (take === null || this.playing || open) return null;
    if (channelType === CHANNEL.main) return connectionId === 0 ? MAIN_CAPS : null;
    if (connectionId !== SESSION_ID) return null;
    if (channelType === CHANNEL.inputs) return [];
    return (
      take.channels.find(({ type, id }) => type === channelType && id === channelId)?.backendCaps ?? null
    );
  }

  private async greet(main: ViewerChannel): Promise<void> {
    const type = SERVER_MESSAGE.main.INIT;
    const body = this.take?.init ?? mainInit({ sessionId: SESSION_ID, agentTokens: 0 });
    const init = played(CHANNEL.main, { type, body }, { sessionId: SESSION_ID, shift: 0 });
    this.greetedAt = performance.now();
    if (init !== null) await main.send(type, init.body);
  }

  private told(channel: ViewerChannel, { type, body }: ClientMessage): void {
    const { channelType } = channel.message;
    if (channelType === CHANNEL.main && type === CLIENT_MESSAGE.main.ATTACH_CHANNELS) {
      const others = this.take?.channels.filter((facts) => facts.type !== CHANNEL.main) ?? [];
      const list = [...others, { type: CHANNEL.inputs, id: 0 }];
      void channel.send(SERVER_MESSAGE.main.CHANNELS_LIST, channelsListOf(list));
    }
    if (channelType !== CHANNEL.inputs || type !== CLIENT_MESSAGE.inputs.KEY_DOWN || body.length < 4) return;
    const command = keyCommand(body.readUInt32LE(0));
    if (command !== null) this.command(command);
  }

  private async play(take: Take): Promise<void> {
    const { parts, key, say } = this.options;
    const outcomes = parts.map((): ReadOutcome => ({ complete: false, fault: null }));
    const facts = new Map<string, Take['channels'][number]>();
    for await (const { entry, part, at } of placedEntries(parts, key, outcomes)) {
      if (this.over) return;
      if (entry.kind === 'end') continue;
      const number = `${part} ${entry.channel}`;
      if (entry.kind === 'channel' && entry.facts.generation === take.generation)
        facts.set(number, entry.facts);
      const of = facts.get(number);
      if (of === undefined || (entry.kind !== 'message' && entry.kind !== 'gap')) continue;
      const time = (at - take.begin) / 1000;
      await this.clock.until(time, () => this.over);
      if (entry.kind === 'gap') {
        say(`at ${(time / 1000).toFixed(1)} s ${entry.messages} messages are missing`);
        continue;
      }
      if (entry.body === null) continue;
      const shift = performance.now() - this.greetedAt - time;
      await this.show(of, { ...entry, body: entry.body }, shift);
    }
  }

  private async show(
    { type: channelType, id }: Take['channels'][number],
    message: { way: 'up' | 'down'; type: number; body: Buffer; subList: number },
    shift: number,
  ): Promise<void> {
    if (message.way === 'up') {
      const move = pointerMove(channelType, message);
      if (move !== null) await this.find(CHANNEL.cursor, 0)?.send(move.type, move.body);
      return;
    }
    // It was sent when the viewer came.
    if (channelType === CHANNEL.main && message.type === SERVER_MESSAGE.main.INIT) return;
    const shown = played(channelType, message, { sessionId: SESSION_ID, shift });
    if (shown !== null) await this.find(channelType, id)?.send(shown.type, shown.body, message.subList);
  }

  /** The viewer comes again for the next take. */
  private async sendOn(port: number): Promise<void> {
    const main = this.find(CHANNEL.main, 0);
    await main?.send(SERVER_MESSAGE.main.MIGRATE_SWITCH_HOST, switchToPort(port));
    await Promise.race([this.until(() => this.viewerIsGone), sleep(LEAVING_MS, undefined, { ref: false })]);
    for (const channel of this.channels) channel.end();
  }

  private async sayGoodbye(): Promise<void> {
    const main = this.find(CHANNEL.main, 0);
    await main?.send(SERVER_MESSAGE.common.NOTIFY, notifyOf('The recording has ended.'));
    if (this.options.stay) await this.until(() => this.over);
    const goodbye = Buffer.alloc(12);
    await main?.send(SERVER_MESSAGE.common.DISCONNECTING, goodbye);
  }

  private find(channelType: number, channelId: number): ViewerChannel | undefined {
    return this.channels.find(
      ({ message, closed }) =>
        !closed && message.channelType === channelType && message.channelId === channelId,
    );
  }

  private get viewerIsThere(): boolean {
    return this.find(CHANNEL.main, 0) !== undefined;
  }

  private get viewerIsGone(): boolean {
    return this.channels.some(({ message, closed }) => closed && message.channelType === CHANNEL.main);
  }

  private get over(): boolean {
    return this.quit || this.viewerIsGone;
  }

  private get allOpen(): boolean {
    const { channels = [] } = this.take ?? {};
    return channels.every(({ type, id }) => this.find(type, id) !== undefined);
  }

  private changed(): void {
    this.wake();
    this.clock.nudge();
  }

  private async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.quit && this.server.listening)
      await new Promise<void>((resolve) => (this.wake = resolve));
  }
}
