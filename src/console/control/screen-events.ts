// SPDX-License-Identifier: Apache-2.0
// What happens on message screens, as the workers of one node say it and as nodes tell each other: the channels of one screen
// may be with different nodes.
import type { FanoutMessage, ScreenEventArgs } from '../../messaging/fanout.js';
import type { ScreenEvent, SupervisorMessage, WorkerNote } from '../ipc.js';

type Note = Extract<WorkerNote, { op: 'screen_event' }>;
type Order = Extract<SupervisorMessage, { op: 'screen_event' }>;

/** A worker's note, for all nodes. */
export function toFanout({ screen, event }: Note): FanoutMessage {
  const name = { session_id: screen.sessionId, connection_id: screen.connectionId };
  const args =
    event.kind === 'size'
      ? { ...name, what: event.kind, width: event.width, height: event.height }
      : { ...name, what: event.kind };
  return { method: 'screen_event', args };
}

/** The same for the workers of this node. */
export function fromFanout(args: ScreenEventArgs): Order {
  const screen = { sessionId: args.session_id, connectionId: args.connection_id };
  const event: ScreenEvent =
    args.what === 'size' ? { kind: 'size', width: args.width, height: args.height } : { kind: args.what };
  return { op: 'screen_event', screen, event };
}
