// SPDX-License-Identifier: Apache-2.0
// A channel that the policy may forbid as a whole: nothing of it is looked at, and it ends when the policy says so.
import { channelForbiddenBy, ruleOf } from '../guest-channels.js';
import type { SessionSettings } from '../ipc.js';
import type { Stage, StagePorts } from '../relay/stage.js';

/** Ends a channel that is forbidden from now on. */
export class PermittedChannel implements Stage {
  readonly name = 'guest-policy-channel';
  private ports: StagePorts | null = null;

  /** @param settings that hold when it begins: they may be others than those by which it was granted */
  constructor(
    private readonly type: number,
    private readonly id: number,
    private readonly settings: SessionSettings,
  ) {}

  start(ports: StagePorts): void {
    this.ports = ports;
    this.onSettings(this.settings);
  }

  onSettings({ guestPolicy }: SessionSettings): void {
    const key = channelForbiddenBy(guestPolicy, this.type, this.id);
    if (key !== null) this.ports?.end(`channel forbidden: ${ruleOf(key)}`, 'the policy permits it no longer');
  }
}
