// SPDX-License-Identifier: Apache-2.0
// The first stage of every channel, both ways: only the messages that the protocol knows for the channel pass, with bodies
// that its receiver takes, and where a body could lie, only those that do not. Most messages are judged by their headers
// alone; bodies are collected of the few types of body-checks.ts. In warn mode a broken rule is recorded and its message
// passes; a body over the deployment's maximum ends the channel in every mode.
import { isDeepStrictEqual } from 'node:util';
import type { SessionSettings } from '../ipc.js';
import {
  end,
  PASS,
  refuse,
  type Direction,
  type HeaderAnswer,
  type Interest,
  type Message,
  type Stage,
  type StagePorts,
} from '../relay/stage.js';
import { channelName } from '../spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';
import { ChannelChecks } from './body-checks.js';
import { grammarOf, maxBodyBytes, type Fault } from './grammar.js';
import { ChannelRates } from './rates.js';
import { RULE } from './rules.js';

/** Shows every message. */
const ALL_SEEN = new Uint8Array(0);

/** The firewall of one channel. */
export class Firewall implements Stage {
  readonly name = 'firewall';
  private ports: StagePorts | null = null;
  private mode: SessionSettings['firewall']['mode'];
  private readonly checks: ChannelChecks;
  private rates: ChannelRates;
  /** The backend waits for a client's MIGRATE_FLUSH_MARK. */
  private awaitsFlushMark = false;

  /**
   * @param channelType SPICE channel type
   * @param maxMessageSize bytes of the largest body, where the channel has no smaller one
   * @param now milliseconds, by a clock that does not jump
   */
  constructor(
    private readonly channelType: number,
    settings: SessionSettings,
    private readonly maxMessageSize: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.mode = settings.firewall.mode;
    this.checks = new ChannelChecks(channelType);
    this.rates = this.ratesOf(settings);
  }

  get up(): Interest {
    return this.interestIn('up');
  }

  get down(): Interest {
    return this.interestIn('down');
  }

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  onHeader(direction: Direction, type: number, size: number): HeaderAnswer {
    const maximum = maxBodyBytes(this.channelType, direction, this.maxMessageSize);
    if (size > maximum) return this.absurd(direction, size, maximum);
    const fault =
      grammarOf(this.channelType, direction).fault(type, size) ??
      this.flushMark(direction, type) ??
      this.rates.fault(direction, size);
    return fault === null ? PASS : this.broken(direction, fault);
  }

  onMessage(direction: Direction, { type, body }: Message): HeaderAnswer {
    // A body that passed with a broken header, in warn mode, may lack what its check reads.
    if (grammarOf(this.channelType, direction).fault(type, body.length) !== null) return PASS;
    const fault = this.checks.of(direction).get(type)?.(body) ?? null;
    return fault === null ? PASS : this.broken(direction, fault);
  }

  onSettings(settings: SessionSettings): void {
    const { mode, permittedChannels, rates } = settings.firewall;
    if (this.mode === 'off') this.checks.lose();
    this.mode = mode;
    // What was said anew and is the same as before fills no bucket.
    if (!isDeepStrictEqual(rates, this.rates.rates)) this.rates = this.ratesOf(settings);
    const name = channelName(this.channelType);
    if (permittedChannels.length === 0 || permittedChannels.some((permitted) => permitted === name)) return;
    this.ports?.end('channel forbidden', 'the policy permits it no longer');
  }

  private interestIn(direction: Direction): Interest {
    const { channelType, maxMessageSize } = this;
    const maximum = maxBodyBytes(channelType, direction, maxMessageSize);
    if (this.mode === 'off') return { headers: { unseen: null, maxBodyBytes: maximum } };
    const unseen = this.rates.limits(direction) ? ALL_SEEN : grammarOf(channelType, direction).unseen;
    const headers = { unseen, maxBodyBytes: maximum };
    const types = new Set(this.checks.of(direction).keys());
    return types.size === 0 ? { headers } : { headers, bodies: { types, maxBodyBytes: maximum } };
  }

  private ratesOf({ firewall: { rates } }: SessionSettings): ChannelRates {
    return new ChannelRates(channelName(this.channelType) ?? '', rates, this.now);
  }

  private broken(direction: Direction, { rule, detail }: Fault): HeaderAnswer {
    if (this.mode === 'enforce') return refuse(rule, detail);
    this.ports?.observe(direction, rule);
    return PASS;
  }

  private absurd(direction: Direction, size: number, maximum: number): HeaderAnswer {
    const detail = `message size is ${size}, the limit is ${maximum}`;
    if (this.mode === 'enforce') return refuse(RULE.size, detail);
    if (this.mode === 'warn') this.ports?.observe(direction, RULE.size);
    return end(direction === 'up' ? 'client broke the protocol' : 'backend broke the protocol', detail);
  }

  /** spice-server ends a channel of which nobody wanted a flush [red-channel-client.cpp]. */
  private flushMark(direction: Direction, type: number): Fault | null {
    if (direction === 'down') {
      if (type === SERVER_MESSAGE.common.MIGRATE) this.awaitsFlushMark = true;
      return null;
    }
    if (type !== CLIENT_MESSAGE.common.MIGRATE_FLUSH_MARK) return null;
    const awaited = this.awaitsFlushMark;
    this.awaitsFlushMark = false;
    return awaited ? null : { rule: RULE.flushMark, detail: 'nobody has asked for the end of a flush' };
  }
}
