// SPDX-License-Identifier: Apache-2.0
// What an event means for the consoles of its instance. event-effects.ts says it; console-keeper.ts does it.

/** What every process is told of a console. */
export type ConsoleChange = 'moving' | 'moved' | 'stayed' | 'changed';

/** An effect on a console. */
export type Effect =
  /** Nothing to do. */
  | { readonly kind: 'nothing' }
  /** The instance is gone, and its consoles with it. `final`: it will never be back, whatever older news says. */
  | { readonly kind: 'removed'; readonly final: boolean }
  /** The state is news. */
  | {
      readonly kind: 'recorded';
      /** Whether the hypervisor process is gone, and every running session with it. */
      readonly ended: boolean;
      /** Whether the known address may be another machine's by now. */
      readonly addressVoid: boolean;
      readonly change: ConsoleChange;
    }
  /** The message tells of a turn, but its state is an old one: record nothing. */
  | { readonly kind: 'noticed'; readonly change: ConsoleChange; readonly addressVoid: boolean };

/** Nothing to do. */
export const NOTHING: Effect = { kind: 'nothing' };

/** The state is recorded; the guest goes on as it is. */
export const RECORDED: Effect = { kind: 'recorded', ended: false, addressVoid: false, change: 'changed' };

/** The guest has a new hypervisor process: its address must be asked for. */
export const RELOCATED: Effect = { kind: 'recorded', ended: false, addressVoid: true, change: 'changed' };

/** The guest has a new host, and a new address there. */
export const MOVED: Effect = { kind: 'recorded', ended: false, addressVoid: true, change: 'moved' };

/** The hypervisor process is gone, or about to be. */
export const ENDED: Effect = { kind: 'recorded', ended: true, addressVoid: true, change: 'changed' };
