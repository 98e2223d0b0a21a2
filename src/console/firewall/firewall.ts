// SPDX-License-Identifier: Apache-2.0
// The first stage of every channel, both ways: only the message types that the protocol knows for the channel pass, and
// no body that is absurdly large. It looks at headers only. In warn mode a type is recorded and passes; a body over the
// maximum ends the channel in every mode.
import type { SessionSettings } from '../ipc.js';
import {
  end,
  PASS,
  refuse,
  type Direction,
  type HeaderAnswer,
  type Interest,
  type Stage,
  type StagePorts,
} from '../relay/stage.js';
import { channelName } from '../spice/constants.js';
import { allowedTypes, maxBodyBytes } from './allow-list.js';

/** Names of the rules, as the metric and the audit have them. */
const RULE = { type: 'disallowed_type', size: 'size_cap' } as const;

/** The firewall of one channel. */
export class Firewall implements Stage {
  readonly name = 'firewall';
  readonly up: Interest;
  readonly down: Interest;
  private ports: StagePorts | null = null;
  private mode: SessionSettings['firewall']['mode'];

  /**
   * @param channelType SPICE channel type
   * @param maxMessageSize bytes of the largest body, where the channel has no smaller one
   */
  constructor(
    private readonly channelType: number,
    settings: SessionSettings,
    private readonly maxMessageSize: number,
  ) {
    this.mode = settings.firewall.mode;
    this.up = this.interestIn('up');
    this.down = this.interestIn('down');
  }

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  onHeader(direction: Direction, type: number, size: number): HeaderAnswer {
    const maximum = maxBodyBytes(this.channelType, direction, this.maxMessageSize);
    if (size > maximum) {
      const detail = `message size is ${size}, the limit is ${maximum}`;
      if (this.mode === 'enforce') return refuse(RULE.size, detail);
      this.ports?.observe(direction, RULE.size);
      return end(direction === 'up' ? 'client broke the protocol' : 'backend broke the protocol', detail);
    }
    if (this.mode === 'enforce')
      return refuse(RULE.type, `message type ${type} is not allowed on this channel`);
    this.ports?.observe(direction, RULE.type);
    return PASS;
  }

  onSettings({ firewall: { mode, permittedChannels } }: SessionSettings): void {
    this.mode = mode;
    const name = channelName(this.channelType);
    if (permittedChannels.length === 0 || permittedChannels.some((permitted) => permitted === name)) return;
    this.ports?.end('channel forbidden', 'the policy permits it no longer');
  }

  private interestIn(direction: Direction): Interest {
    const { channelType, maxMessageSize } = this;
    return {
      headers: {
        unseen: allowedTypes(channelType, direction),
        maxBodyBytes: maxBodyBytes(channelType, direction, maxMessageSize),
      },
    };
  }
}
