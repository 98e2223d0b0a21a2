// SPDX-License-Identifier: Apache-2.0
// The agent's messages on a main channel: what the policy forbids goes no further, and whoever waits for an answer to it gets
// one. The stream is followed under every policy, because a policy may change in the middle of it. Tokens: what is dropped is
// given back to its sender, what is put in is taken from what the sender is told of. A client that sends without tokens is
// ended here, by the firewall's mode: only here is known what was given back.
import type { SessionSettings } from '../ipc.js';
import {
  DROP,
  PASS,
  refuse,
  replace,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Refusal,
  type Stage,
  type StagePorts,
} from '../relay/stage.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';
import { AgentConversation, DirectionJudge, OTHER } from './agent-judge.js';
import { AgentLane } from './agent-lane.js';
import { AgentRules } from './agent-rules.js';
import type { DropCounts } from './drop-counts.js';

const UP = CLIENT_MESSAGE.main;
const DOWN = SERVER_MESSAGE.main;

/** `REDS_AGENT_WINDOW_SIZE` [reds.cpp]: the tokens that a client begins with. */
const WINDOW = 10;
/** Of MAIN_INIT: u32 agent_tokens. */
const INIT_TOKENS_OFFSET = 20;

const TYPES: Readonly<Record<Direction, ReadonlySet<number>>> = {
  up: new Set<number>([UP.AGENT_START, UP.AGENT_DATA, UP.AGENT_TOKEN]),
  down: new Set<number>([
    ...[DOWN.INIT, DOWN.AGENT_CONNECTED, DOWN.AGENT_CONNECTED_TOKENS, DOWN.AGENT_DISCONNECTED],
    ...[DOWN.AGENT_DATA, DOWN.AGENT_TOKEN],
  ]),
};
const DATA: Readonly<Record<Direction, number>> = { up: UP.AGENT_DATA, down: DOWN.AGENT_DATA };
const TOKEN: Readonly<Record<Direction, number>> = { up: UP.AGENT_TOKEN, down: DOWN.AGENT_TOKEN };

/** The rule of a client that sends to the agent without tokens. */
const TOKENS_RULE = 'agent_tokens';

/** Applies the policy to the agent's messages. */
export class AgentPolicy implements Stage {
  readonly name = 'guest-policy-agent';
  readonly up: Interest;
  readonly down: Interest;
  private ports: StagePorts | null = null;
  private mode: SessionSettings['firewall']['mode'];
  private readonly conversation: AgentConversation;
  private readonly lanes: Readonly<Record<Direction, AgentLane>>;
  /** The tokens that the client has of the agent that is there now. */
  private window = WINDOW;
  /** The client has greeted an agent. */
  private started = false;

  /** @param maxMessageSize bytes of the largest body */
  constructor(settings: SessionSettings, drops: DropCounts, maxMessageSize: number) {
    this.mode = settings.firewall.mode;
    this.conversation = new AgentConversation(new AgentRules(settings.guestPolicy));
    const judgeOf = (direction: Direction): DirectionJudge =>
      new DirectionJudge(direction, this.conversation, drops, (message) =>
        this.send(OTHER[direction], this.lanes[OTHER[direction]].put(message)),
      );
    this.lanes = {
      up: new AgentLane(judgeOf('up'), WINDOW, true),
      down: new AgentLane(judgeOf('down'), 0, false),
    };
    this.up = { bodies: { types: TYPES.up, maxBodyBytes: maxMessageSize } };
    this.down = { bodies: { types: TYPES.down, maxBodyBytes: maxMessageSize } };
  }

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  onMessage(direction: Direction, message: Message): Answer {
    const { type, body } = message;
    if (type === DATA[direction]) return this.data(direction, message);
    if (type === TOKEN[direction]) return this.token(direction, message);
    if (direction === 'up') this.greeted(body);
    else this.agentChanged(type, body);
    return PASS;
  }

  onSettings(settings: SessionSettings): void {
    this.mode = settings.firewall.mode;
    const due = this.conversation.change(new AgentRules(settings.guestPolicy));
    for (const direction of ['up', 'down'] as const)
      for (const message of due[direction]) this.send(direction, this.lanes[direction].put(message));
  }

  private data(direction: Direction, { body }: Message): Answer {
    const lane = this.lanes[direction];
    const paid = !lane.counted || lane.tokens.came();
    const fault = paid || direction === 'down' ? null : this.unpaid();
    if (fault !== null) return fault;
    const [first, ...others] = lane.take(body, this.conversation.rules.open);
    this.send(direction, others);
    this.giveBack(direction);
    if (first === undefined) return DROP;
    return first === body ? PASS : replace(first);
  }

  /** The receiver of a direction gives tokens to its sender: so they come in the other direction. */
  private token(from: Direction, { body }: Message): Answer {
    const direction = OTHER[from];
    const lane = this.lanes[direction];
    if (!lane.counted || body.length < 4) return PASS;
    const given = body.readUInt32LE(0);
    lane.tokens.granted(given);
    this.send(direction, lane.ready());
    const owed = lane.tokens.owed(lane.parts);
    if (owed === given) return PASS;
    return owed === 0 ? DROP : replace(word(owed));
  }

  private giveBack(direction: Direction): void {
    const lane = this.lanes[direction];
    if (!lane.counted) return;
    const owed = lane.tokens.owed(lane.parts);
    const to = OTHER[direction];
    if (owed > 0) this.ports?.insert(to, this.ports.make(TOKEN[to], word(owed)));
  }

  private unpaid(): Refusal | null {
    if (this.mode === 'enforce') return refuse(TOKENS_RULE, 'the client sends to the agent without tokens');
    if (this.mode === 'warn') this.ports?.observe('up', TOKENS_RULE);
    return null;
  }

  /** The client begins to speak to an agent, and says how many parts of it that it takes. */
  private greeted(body: Buffer): void {
    const { up, down } = this.lanes;
    if (!up.counted) up.tokens.reset(this.window);
    up.counted = true;
    up.interrupt();
    if (body.length >= 4) down.tokens.reset(body.readUInt32LE(0));
    this.started = true;
  }

  private agentChanged(type: number, body: Buffer): void {
    this.window = windowOf(type, body) ?? this.window;
    const { up, down } = this.lanes;
    this.conversation.forget();
    up.forget(false);
    down.forget(true);
    down.tokens.reset(0);
    up.tokens.reset(this.window);
    // What the client has sent to the last agent is on its way, and the server takes no token for it.
    up.counted = !this.started;
  }

  private send(direction: Direction, bodies: readonly Buffer[]): void {
    const { ports } = this;
    if (ports === null) return;
    for (const body of bodies) ports.insert(direction, ports.make(DATA[direction], body));
  }
}

function windowOf(type: number, body: Buffer): number | null {
  switch (type) {
    case DOWN.INIT:
      return body.length < INIT_TOKENS_OFFSET + 4 ? WINDOW : body.readUInt32LE(INIT_TOKENS_OFFSET);
    case DOWN.AGENT_CONNECTED_TOKENS:
      return body.length < 4 ? WINDOW : body.readUInt32LE(0);
    case DOWN.AGENT_CONNECTED:
      return WINDOW;
    default:
      return null;
  }
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(Math.min(value, 0xffffffff));
  return bytes;
}
