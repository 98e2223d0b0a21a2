// SPDX-License-Identifier: Apache-2.0
// Every reason for the end of a channel that is recorded, by any of its writers: the relay workers, their parent, or the
// statements that close what a dead process left open.

/** The recorded reasons, phrases for people (audit, connection rows, notifications, the label of a metric). */
export type CloseReason =
  | 'client closed'
  | 'backend closed'
  | 'client connection lost'
  | 'backend connection lost'
  | 'client stopped reading'
  | 'backend stopped reading'
  | 'client broke the protocol'
  | 'backend broke the protocol'
  | 'idle'
  | 'wrong guest'
  | 'guest not identified'
  | 'terminated by request'
  /** Another user opened the console, and this session gave way. */
  | 'replaced'
  /** Another session has the console, and does not give way. */
  | 'console in use'
  | 'main channel closed'
  | 'other channel lost'
  | 'channel forbidden'
  /** The rule of a guest policy, such as `guest_policy_usb`. */
  | `channel forbidden: guest_policy_${string}`
  /** The console speaks VNC and its client SPICE, or the other way round. */
  | 'other protocol'
  /** The guest went to another hypervisor, and no migration is followed. */
  | 'migration not followed'
  /** The hypervisor named a place that its guests may not go to. */
  | 'migration refused'
  /** A channel to the destination of a migration that did not come about. */
  | 'migration cancelled'
  | `instance ${LocationFault}`
  | 'ticket not minted'
  | 'recording failed'
  | 'node lost'
  | 'node restarted'
  | 'proxy shut down'
  | 'proxy worker died'
  | 'backend failed'
  /** The HTTP status that the proxy on the way to the backend answered with. */
  | `connect proxy refused (${number})`
  | 'control plane failed'
  /** Named: which stage of the relay threw. */
  | `relay stage failed: ${string}`;

/** Why a console may not be connected to; `stale`: it runs elsewhere, and where is not known. */
export type LocationFault = 'gone' | 'stopped' | 'moving' | 'building' | 'stale';
