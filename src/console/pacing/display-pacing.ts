// SPDX-License-Identifier: Apache-2.0
// The stage of the display channel that paces it on a slow link: it takes the down direction and the client's ACKs when
// the link is slow or congested, and gives both back when it is neither. What waits then goes out by display-sender.ts; who
// is owed which ACK is known to ack-agent.ts; what the link carries, to the session's pacer.
//
// Serials: a client counts the server's messages, and the server names counts. A SET_ACK of the proxy's own that is put in
// takes the place of a message that stands for nothing, or of a PING, sooner or later.
import { DROP, IN_PIECES, PASS, replace } from '../relay/stage.js';
import type {
  Answer,
  Direction,
  Message,
  Owner,
  Ownership,
  Piece,
  Stage,
  StagePorts,
} from '../relay/stage.js';
import type { PacingSummary, SessionSettings } from '../ipc.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';
import { AckAgent, readSetAck, setAckBody, type SetAck } from './ack-agent.js';
import { ChannelTimers } from './channel-timers.js';
import { ClientSilence } from './client-silence.js';
import { CompressionChoice } from './compression-choice.js';
import { CongestionWatch, isSlow } from './congestion-watch.js';
import { DOWN_INTEREST, UP_INTEREST } from './display-interest.js';
import type { DisplayPacingParts, DisplayState } from './display-parts.js';
import { DisplaySender } from './display-sender.js';
import { Leaving } from './leaving.js';
import { PacingRecord, type DisplayFigures } from './pacing-record.js';
import { ServerAnswers } from './server-answers.js';
import { OwnSetAcks } from './own-set-acks.js';
import { ServerFlow } from './server-flow.js';

const UP = CLIENT_MESSAGE.common;
const DOWN = SERVER_MESSAGE.common;
const DISPLAY = CLIENT_MESSAGE.display;

/** Messages within which a server that wants ACKs says so: it is its first one. */
const SET_ACK_WITHIN = 16;
/** A larger body is not collected but streamed, in bytes. */
const MAX_COLLECTED_BYTES = 1_048_576;

/** Paces one display channel. */
export class DisplayPacing implements Stage, Owner {
  readonly name = 'pacing';
  readonly up = UP_INTEREST;
  readonly down = DOWN_INTEREST;
  readonly maxBodyBytes = MAX_COLLECTED_BYTES;
  private readonly agent = new AckAgent();
  private readonly watch: CongestionWatch;
  private state: DisplayState = 'start';
  private mode: SessionSettings['pacing']['mode'];
  private ports: StagePorts | null = null;
  private server: ServerAnswers | null = null;
  private ownership: Ownership | null = null;
  private sender: DisplaySender | null = null;
  private flow: ServerFlow | null = null;
  private readonly ownSetAcks = new OwnSetAcks();
  /** A message of the server has begun since the direction is owned: nothing that goes by is under way. */
  private atBoundary = false;
  private readonly leaving = new Leaving();
  private readonly timers: ChannelTimers;
  private readonly compression: CompressionChoice;
  private silence = new ClientSilence();
  private readonly record = new PacingRecord();

  constructor(private readonly parts: DisplayPacingParts) {
    this.mode = parts.settings.pacing.mode;
    this.watch = new CongestionWatch();
    this.compression = new CompressionChoice(parts.takesCompression);
    this.timers = new ChannelTimers({
      timers: parts.timers,
      look: () => this.look(),
      pump: () => this.settle(),
      failed: (error) =>
        this.ports?.end('relay stage failed: pacing', error instanceof Error ? error.message : String(error)),
    });
  }

  /** How the channel is, for metrics and audit. */
  get figures(): DisplayFigures {
    return this.record.figures(this.sender, this.state === 'paced');
  }

  start(ports: StagePorts): void {
    this.ports = ports;
    this.server = new ServerAnswers(ports);
    const { pacer, timers } = this.parts;
    this.flow = new ServerFlow({
      ports,
      agent: this.agent,
      server: this.server,
      pacer,
      now: () => timers.now(),
    });
    this.ownership = ports.own('down', this);
    this.timers.start();
  }

  onSettings({ pacing }: SessionSettings): void {
    this.mode = pacing.mode;
    this.parts.pacer.useLimits(pacing);
  }

  onHeader(direction: Direction, type: number): typeof PASS {
    // Streaming by, its window is not seen.
    if (direction === 'down' && type === DOWN.SET_ACK && this.ownership === null) {
      this.agent.lose();
      this.state = 'off';
    }
    return PASS;
  }

  message(message: Message): void {
    this.atBoundary = true;
    switch (this.state) {
      case 'start':
        this.first(message);
        return;
      case 'paced':
        this.sender?.take(message.type === DOWN.SET_ACK ? this.takeSetAck(message) : message);
        this.settle();
        return;
      case 'closing':
        if (message.type === DOWN.SET_ACK) this.agent.lose();
        this.sender?.take(message);
        this.settle();
        return;
      case 'plain':
      case 'off':
        this.ownership?.write([{ bytes: message.bytes, ends: true }]);
        return;
    }
  }

  oversized(_type: number, size: number): typeof IN_PIECES {
    this.atBoundary = true;
    if (this.state === 'paced' || this.state === 'closing') this.sender?.begin(size);
    return IN_PIECES;
  }

  piece(piece: Piece): void {
    if (this.state !== 'paced' && this.state !== 'closing') {
      this.ownership?.write([piece]);
      return;
    }
    this.sender?.takePiece(piece);
    this.settle();
  }

  drained(): void {
    if (this.sender !== null) this.settle();
  }

  onMessage(direction: Direction, message: Message): Answer {
    if (direction === 'down') return PASS;
    switch (message.type) {
      case UP.ACK:
        return this.isOfSource ? DROP : this.onAck();
      case UP.ACK_SYNC:
        return this.isOfSource ? DROP : this.onSync(message.body);
      case DISPLAY.INIT:
        this.compression.initialised();
        if (this.state === 'paced' || this.wantsPacing()) this.compression.choose(this.server);
        return PASS;
      case DISPLAY.PREFERRED_COMPRESSION:
        this.compression.chosenByClient();
        return PASS;
      case DISPLAY.STREAM_REPORT: {
        const amended = this.sender?.queue.amendStreamReport(message.body) ?? message.body;
        return amended === message.body ? PASS : replace(amended);
      }
      default:
        return PASS;
    }
  }

  pacing(): PacingSummary | null {
    return this.record.summary(this.parts.pacer);
  }

  close(): void {
    this.state = 'off';
    this.timers.stop();
    const { sender } = this;
    this.sender = null;
    if (sender === null) return;
    this.record.end(sender, this.parts.timers.now());
    sender.close();
    this.parts.pacer.remove(sender);
    // What the server sent last is not lost because it ended first.
    this.ownership?.write(sender.rest());
  }

  /** The first messages of the server: its SET_ACK decides. */
  private first(message: Message): void {
    const { ports, ownership } = this;
    if (ports === null || ownership === null) return;
    const setAck = message.type === DOWN.SET_ACK ? readSetAck(message.body) : null;
    const { messages } = ports.progress('down');
    if (setAck === null) {
      ownership.write([{ bytes: message.bytes, ends: true }]);
      if (message.type !== DOWN.SET_ACK && messages < SET_ACK_WITHIN) return;
      this.state = 'off';
      this.giveBack();
      return;
    }
    if (this.wantsPacing()) {
      this.beginPacing();
      this.sender?.take(this.takeSetAck(message));
      this.settle();
      return;
    }
    this.agent.relayed(setAck, messages);
    ownership.write([{ bytes: message.bytes, ends: true }]);
    this.state = 'plain';
    this.giveBack();
  }

  /** Whether the channel is to be paced from its start on. */
  private wantsPacing(): boolean {
    if (this.mode !== 'auto') return this.mode === 'on';
    return isSlow(this.parts.pacer.linkRttMs);
  }

  /** The server's SET_ACK is answered, and becomes one that has the client acknowledge each message. */
  private takeSetAck(message: Message): Message {
    const setAck = readSetAck(message.body);
    if (setAck === null || this.ports === null) return message;
    const toClient = this.agent.taken(setAck, this.ports.progress('down').messages);
    this.server?.sync(setAck.generation);
    return this.setAck(toClient);
  }

  /** The link is congested: takes the channel over in the middle of its stream. */
  private engage(): void {
    const { ports } = this;
    // A client that has not answered the last SET_ACK would not answer this one.
    if (ports === null || this.ownership !== null || !this.agent.ready || this.agent.waits) return;
    this.atBoundary = false;
    this.ownership = ports.own('down', this);
    this.beginPacing();
    const { toClient, sync } = this.agent.takeOver();
    if (sync !== null) this.server?.sync(sync);
    this.sender?.putSetAck(this.setAck(toClient));
    this.ownSetAcks.inserted();
    this.compression.choose(this.server);
    if (this.sender !== null) this.flow?.acknowledge(this.sender);
  }

  private beginPacing(): void {
    const { ports, ownership } = this;
    const { pacer, timers } = this.parts;
    if (ports === null || ownership === null) return;
    this.state = 'paced';
    this.leaving.begin();
    this.silence = new ClientSilence();
    this.sender = new DisplaySender(
      ownership,
      {
        pacer,
        busy: () => ports.progress('down').busy,
        now: () => timers.now(),
        later: (milliseconds) => this.timers.pumpLater(milliseconds),
        ping: (ping) => this.insteadOfPing(ping),
        replacement: () => !this.ownSetAcks.absorb(),
      },
      () => this.settle(),
    );
    const now = timers.now();
    this.record.begin(now);
    pacer.add(this.sender, now);
  }

  /** Sends, acknowledges, holds the server or lets it go on: whatever has come to be possible or necessary. */
  private settle(): void {
    const { sender, ports } = this;
    if (sender === null || ports === null) return;
    // Before that a message that began to go by is on its way.
    if (this.atBoundary) sender.pump();
    if (this.state === 'closing' && sender.empty) {
      this.finish(sender);
      return;
    }
    this.flow?.regulate(sender, this.state === 'paced');
  }

  /**
   * Whether an ACK or ACK_SYNC now can only be what a client had still to send to the source of a migration: this server has
   * asked for none. It would take the ACK_SYNC for that of its own SET_ACK, and count ACKs which are for another window.
   */
  private get isOfSource(): boolean {
    return this.state === 'start';
  }

  private onAck(): Answer {
    const { ports, sender } = this;
    if (ports === null) return PASS;
    const fate = this.agent.clientAck(ports.progress('down').messages);
    if (fate === 'pass') return PASS;
    if (fate === 'arrived' && sender?.arrived() === true) this.silence.acknowledged();
    return DROP;
  }

  private onSync(body: Buffer): Answer {
    if (body.length < 4) return PASS;
    const fate = this.agent.clientSync(body.readUInt32LE(0));
    const owed = this.agent.waits ? null : this.ownSetAcks.takeOwedPing();
    if (owed !== null) this.server?.pong(owed);
    if (fate === 'pass') return PASS;
    if (fate === 'synced') {
      this.sender?.synced();
      this.silence.synced();
      this.settle();
    }
    return DROP;
  }

  private insteadOfPing(ping: Message): Message | null {
    if (!ServerAnswers.canAnswer(ping)) return ping;
    if (this.ownSetAcks.absorb()) {
      this.server?.pong(ping);
      return null;
    }
    const { sender } = this;
    if (!this.leaving.wanted || sender === null || this.state !== 'paced' || sender.queue.length > 0)
      return ping;
    this.ownSetAcks.inPlaceOf(ping);
    return this.handBack(sender);
  }

  /** Gives the client its window back; the SET_ACK that says so. */
  private handBack(sender: DisplaySender): Message {
    this.state = 'closing';
    sender.close();
    return this.setAck(this.agent.handBack());
  }

  /** Gives the client its window back at once: what waits goes out as fast as it takes it. */
  private giveUp(sender: DisplaySender): void {
    sender.putSetAck(this.handBack(sender));
    this.ownSetAcks.inserted();
    this.settle();
  }

  private finish(sender: DisplaySender): void {
    this.record.end(sender, this.parts.timers.now());
    this.parts.pacer.remove(sender);
    this.sender = null;
    this.timers.stopPump();
    this.state = this.mode === 'off' || !this.agent.ready ? 'off' : 'plain';
    this.watch.left();
    this.giveBack();
    this.flow?.letGo();
  }

  private giveBack(): void {
    const { ownership } = this;
    this.ownership = null;
    ownership?.giveBack();
  }

  private setAck(setAck: SetAck): Message {
    return (this.ports as StagePorts).make(DOWN.SET_ACK, setAckBody(setAck));
  }

  /** Looks whether the way is still the right one. */
  private look(): 'soon' | 'later' | null {
    const { ports, sender } = this;
    const now = this.parts.timers.now();
    if (ports === null) return null;
    if (this.state === 'plain' && this.mode !== 'off') {
      const congested = this.watch.isCongested(ports.progress('down'), now);
      if (this.mode === 'on' || congested || isSlow(this.parts.pacer.figures.rttMs)) this.engage();
    } else if (this.state === 'paced' && sender !== null) this.lookPaced(sender, ports, now);
    return this.nextLook;
  }

  private get nextLook(): 'soon' | 'later' | null {
    if (this.state === 'off') return null;
    return this.state === 'plain' && this.watch.sawBusy ? 'soon' : 'later';
  }

  private lookPaced(sender: DisplaySender, ports: StagePorts, now: number): void {
    const { silence } = this;
    silence.look(sender.waitsForClient, now);
    if (silence.isMute(now)) this.mode = 'off';
    const leaving = this.mode === 'off' || (this.mode === 'auto' && this.watch.isIdle(this.parts.pacer, now));
    const overdue = this.leaving.look(leaving, now) && this.mode === 'off';
    const stopped = silence.isTooLong(now) && !ports.progress('down').busy;
    if (overdue || stopped) this.giveUp(sender);
    else this.settle();
  }
}
