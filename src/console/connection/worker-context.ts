// SPDX-License-Identifier: Apache-2.0
// What all connections of a relay worker share.
import type { ControlClient } from './control-client.js';
import type { RelaySettings } from '../ipc.js';
import type { TrafficCounter } from './traffic-counter.js';
import type { SessionRegistry } from './session-registry.js';
import type { SessionPacers } from '../pacing/session-pacers.js';
import type { TapPipe } from '../recording/tap-pipe.js';
import type { RelayBuffer } from '../relay/relay-buffer.js';
import type { TicketKeys } from '../listener/ticket-key.js';
import type { DropCounts } from '../guest-policy/drop-counts.js';
import type { OpenScreens } from '../message-screen/open-screens.js';

/** The worker's settings and services. */
export interface WorkerContext {
  readonly settings: RelaySettings;
  readonly control: ControlClient;
  readonly registry: SessionRegistry;
  readonly ticketKeys: TicketKeys;
  readonly buffer: RelayBuffer;
  readonly trafficCounter: TrafficCounter;
  readonly pacers: SessionPacers;
  readonly screens: OpenScreens;
  /** What guest policies have kept back since the last report. */
  readonly policyDrops: DropCounts;
  /** By which the control plane is told of channels that are recorded or inspected. */
  readonly tapPipe: TapPipe;
}
