// SPDX-License-Identifier: Apache-2.0
// Which stages look into a channel, and in which order: chosen once, at link time, from the grant. A new stage is one
// line here. Down: firewall, main rules, migration, guest policy, recording, pacing. Up: firewall, guest policy,
// recording, migration, pacing.
import type { Timers } from '../../net/timers.js';
import { Firewall } from '../firewall/firewall.js';
import type { DropCounts } from '../guest-policy/drop-counts.js';
import { guestPolicyStages } from '../guest-policy/stages.js';
import type { Grant, SessionSettings } from '../ipc.js';
import { GuestIdentity } from '../main-channel/guest-identity.js';
import type { MainControl } from '../main-channel/main-control.js';
import { ChannelMigration } from '../migration/channel-migration.js';
import { DestinationMigration } from '../migration/destination-migration.js';
import type { MigrationControl } from '../migration/migration-control.js';
import { SourceMigration } from '../migration/source-migration.js';
import { SessionId } from '../main-channel/session-id.js';
import { WithheldMessages } from '../main-channel/withheld-messages.js';
import type { SessionPacer } from '../pacing/session-pacer.js';
import { pacingStage } from '../pacing/stages.js';
import { Tap } from '../recording/tap.js';
import type { TapPipe } from '../recording/tap-pipe.js';
import { hasCap } from '../spice/capabilities.js';
import { CHANNEL, MAIN_CAP } from '../spice/constants.js';
import type { LinkMess } from '../spice/link-message.js';
import type { StageOrder } from './pipeline.js';
import type { Stage } from './stage.js';

/** What the choice goes by. */
export interface ChannelFacts {
  readonly message: LinkMess;
  readonly grant: Grant;
  /** What holds for the session now. */
  readonly settings: SessionSettings;
  /** Bytes of the largest body of a message. */
  readonly maxMessageSize: number;
  /** Seconds in which the guest must have shown who it is. */
  readonly identityTimeout: number;
  readonly control: MainControl & MigrationControl;
  readonly miniHeader: boolean;
  /** Milliseconds that the client took for its ticket. */
  readonly rttMs: number;
  /** Capability words that the backend has shown for the channel. */
  readonly backendCaps: readonly number[];
  readonly pacer: SessionPacer;
  /** Counts what the guest policy keeps back. */
  readonly drops: DropCounts;
  readonly timers: Timers;
  /** By which the control plane is told of channels that are recorded or inspected. */
  readonly tapPipe: TapPipe;
  /** The user has done something: tells the session's other workers too. */
  readonly userActed: () => void;
}

/** The stages of one channel. */
export function stagesFor(facts: ChannelFacts): StageOrder {
  const { message, settings, maxMessageSize, timers } = facts;
  const { channelType, channelId } = message;
  const firewall = new Firewall(channelType, settings, maxMessageSize, () => timers.now());
  const tap = tapOf(facts);
  const stage = pacingStage({ ...facts, channelType });
  const pacing = stage === null ? [] : [stage];
  const policy = guestPolicyStages({ ...facts, channelType, channelId });
  if (channelType !== CHANNEL.main) {
    const moved = new ChannelMigration(facts.grant, settings);
    return {
      up: [firewall, ...policy, ...tap, moved, ...pacing],
      down: [firewall, moved, ...policy, ...tap, ...pacing],
    };
  }
  const migration = [
    new SourceMigration(facts.grant, settings, facts.control),
    new DestinationMigration(facts.grant, facts.control),
  ];
  return {
    up: [firewall, ...policy, ...tap, ...migration, ...pacing],
    down: [firewall, ...mainStages(facts), ...migration, ...policy, ...tap, ...pacing],
  };
}

function tapOf({ grant, message, miniHeader, backendCaps, tapPipe }: ChannelFacts): Stage[] {
  if (!grant.tapped) return [];
  const { connectionRef } = grant;
  const { channelType, channelId, channelCaps: clientCaps } = message;
  return [new Tap(tapPipe, { connectionRef, channelType, channelId, miniHeader, clientCaps, backendCaps })];
}

function mainStages({ message, grant, control, identityTimeout }: ChannelFacts): Stage[] {
  const asked = hasCap(message.channelCaps, MAIN_CAP.NAME_AND_UUID);
  const identity =
    // The destination of a migration shows no UUID before the client has gone over: the guest is the one that it was.
    grant.expectedInstanceUuid === null || grant.migration !== null
      ? []
      : [new GuestIdentity(grant.expectedInstanceUuid, identityTimeout, asked)];
  return [...identity, new SessionId(grant, control), new WithheldMessages()];
}
