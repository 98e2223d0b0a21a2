// SPDX-License-Identifier: Apache-2.0
// The effect of an event on the consoles of its instance: chosen in event-effects.ts, applied in instance-event-handler.ts.

/** The change of a console that is broadcast to every process. */
export type ConsoleChange = 'moving' | 'moved' | 'stayed' | 'changed';

/** An effect on a console. */
export type Effect =
  /** Nothing to do. */
  | { readonly kind: 'nothing' }
  /** The instance is gone, and its consoles with it. `final`: permanently, whatever older events say. */
  | { readonly kind: 'removed'; readonly final: boolean }
  /** The state is recorded if it is newer than the known one. */
  | {
      readonly kind: 'recorded';
      /** Whether the hypervisor process is gone, and every running session with it. */
      readonly ended: boolean;
      /** Whether the known address may be another machine's by now. */
      readonly addressStale: boolean;
      readonly change: ConsoleChange;
    }
  /** The message reports a change, but carries the state before it: nothing is recorded. */
  | { readonly kind: 'noticed'; readonly change: ConsoleChange; readonly addressStale: boolean };

/** Nothing to do. */
export const NOTHING: Effect = { kind: 'nothing' };

/** The state is recorded; the guest goes on as it is. */
export const RECORDED: Effect = { kind: 'recorded', ended: false, addressStale: false, change: 'changed' };

/** The guest has a new hypervisor process: its address must be asked for. */
export const RELOCATED: Effect = { kind: 'recorded', ended: false, addressStale: true, change: 'changed' };

/** The guest has a new host, and a new address there. */
export const MOVED: Effect = { kind: 'recorded', ended: false, addressStale: true, change: 'moved' };

/** The hypervisor process is gone, or about to be. */
export const ENDED: Effect = { kind: 'recorded', ended: true, addressStale: true, change: 'changed' };
