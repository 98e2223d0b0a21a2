// SPDX-License-Identifier: Apache-2.0
// Which stages apply the guest policy to a channel. They are there under every policy, since a policy may change; what it does
// not concern now, they do not look at.
import type { SessionSettings } from '../ipc.js';
import type { Stage } from '../relay/stage.js';
import { CHANNEL } from '../spice/constants.js';
import { AgentPolicy } from './agent-policy.js';
import type { DropCounts } from './drop-counts.js';
import { ListedChannels } from './listed-channels.js';
import { PermittedChannel } from './permitted-channel.js';
import { ShownMonitors } from './shown-monitors.js';
import { UsbFilter } from './usb-filter.js';
import { ViewOnly } from './view-only.js';

/** What the choice goes by. */
export interface GuestPolicyFacts {
  readonly channelType: number;
  readonly channelId: number;
  readonly settings: SessionSettings;
  /** Bytes of the largest body of a message. */
  readonly maxMessageSize: number;
  readonly drops: DropCounts;
}

/** The stages of a channel, for both directions. */
export function guestPolicyStages(facts: GuestPolicyFacts): Stage[] {
  const { channelType, channelId, settings, maxMessageSize, drops } = facts;
  const permitted = new PermittedChannel(channelType, channelId, settings);
  switch (channelType) {
    case CHANNEL.main:
      return [
        new AgentPolicy(settings, drops, maxMessageSize),
        new ListedChannels(settings, maxMessageSize),
        new ViewOnly(channelType, settings, drops, maxMessageSize),
      ];
    case CHANNEL.display:
      return [permitted, new ShownMonitors(channelId, settings, drops, maxMessageSize)];
    case CHANNEL.inputs:
      return [new ViewOnly(channelType, settings, drops, maxMessageSize)];
    case CHANNEL.usbredir:
      return [permitted, new UsbFilter(settings, drops, maxMessageSize)];
    case CHANNEL.playback:
    case CHANNEL.record:
    case CHANNEL.smartcard:
    case CHANNEL.webdav:
      return [permitted];
    default:
      return [];
  }
}
