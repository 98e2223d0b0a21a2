// SPDX-License-Identifier: Apache-2.0
// One console of a platform that is asked for one at a time: asks how it is now, and records the answer.
import { Unavailable } from '../exception.js';
import type { Consoles, DiscoveredConsole } from '../objects/console.js';
import type { SourceDriver } from './driver.js';

/** What became of a console that was refreshed. */
export type Refreshed =
  | 'written'
  | 'removed'
  /** It was changed meanwhile, by a refresh or an event: the answer may be older, and is dropped. */
  | 'overtaken'
  /** Its source has left the configuration or cannot be asked for single consoles, or the console is gone. */
  | 'absent';

/** Which console is refreshed, and by whom. */
export interface ConsoleRefresh {
  readonly consoles: Pick<Consoles, 'put' | 'remove'>;
  readonly source: string;
  readonly refresh: NonNullable<SourceDriver['refresh']>;
  /** As the records had it before the platform is asked. */
  readonly console: DiscoveredConsole;
  /**
   * Whether notifications that the platform sent before it was asked are dropped from now on: one more statement, for a
   * console that was asked about because of one.
   */
  readonly outdatesNotifications: boolean;
}

/**
 * Asks about a console and records the answer, its present address included; removes the console when its machine is
 * gone.
 * @throws Unavailable when the platform does not answer before the deadline; nothing is recorded then
 */
export async function refreshConsole(
  { consoles, source, refresh, console, outdatesNotifications }: ConsoleRefresh,
  deadline: AbortSignal,
): Promise<Refreshed> {
  const asked = performance.now();
  const now = await refresh(console, deadline);
  if (deadline.aborted) throw new Unavailable('no answer in time');
  if (now === null) return (await consoles.remove(source, console.uuid)) ? 'removed' : 'absent';
  const askedAgo = outdatesNotifications ? (performance.now() - asked) / 1000 : undefined;
  return (await consoles.put(source, now, { askedAgo, before: console })) ? 'written' : 'overtaken';
}
