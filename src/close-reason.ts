// SPDX-License-Identifier: Apache-2.0
// The reasons for the end of a connection that the worker knows, as they are recorded.

/** The recorded reasons, phrases for people (audit, connection rows). */
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
  | 'main channel closed'
  | 'node lost'
  | 'proxy shut down'
  | 'proxy worker died'
  | 'backend failed'
  | 'control plane failed';
