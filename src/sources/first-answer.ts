// SPDX-License-Identifier: Apache-2.0
// One question to many sources at the same time, under one deadline: one that is unavailable does not hold up the others.
import { Unavailable } from '../exception.js';
import type { Logger } from '../log.js';
import { signalWithin, unlessAborted } from '../net/deadline.js';
import { InstanceNotReady } from '../objects/instance-fault.js';
import type { SourceDriver } from './driver.js';
import type { DrivenSource } from './source-drivers.js';

/** The outcome of a question. */
export type FirstAnswer<T> =
  | { readonly kind: 'found'; readonly source: string; readonly value: T }
  | { readonly kind: 'not_ready'; readonly fault: InstanceNotReady }
  /** No source knows; `faults` of those that did not answer. */
  | { readonly kind: 'unknown'; readonly faults: readonly Error[] };

/**
 * Asks all; the first that gives something wins, and the others are not waited for.
 *
 * @param timeout seconds for all together
 * @param question null: this source does not know
 */
export function firstAnswer<T>(
  sources: Iterable<DrivenSource>,
  timeout: number,
  log: Pick<Logger, 'warning'>,
  question: (driver: SourceDriver, signal: AbortSignal) => Promise<T | null>,
): Promise<FirstAnswer<T>> {
  const done = new AbortController();
  const deadline = signalWithin(timeout * 1000);
  const signal = AbortSignal.any([done.signal, deadline]);
  const faults: Error[] = [];
  return new Promise((resolve) => {
    const answer = (outcome: FirstAnswer<T>): void => {
      resolve(outcome);
      done.abort();
    };
    const asked = Array.from(sources, async ({ name: source, driver }) => {
      try {
        if (driver instanceof Error) throw driver;
        const value = await unlessAborted(question(driver, signal), signal);
        if (value !== null) answer({ kind: 'found', source, value });
        else if (deadline.aborted) throw new Unavailable('no answer in time');
      } catch (error) {
        if (error instanceof InstanceNotReady) answer({ kind: 'not_ready', fault: error });
        else if (!done.signal.aborted) faults.push(report(log, source, error));
      }
    });
    void Promise.all(asked).then(() => answer({ kind: 'unknown', faults }));
  });
}

function report(log: Pick<Logger, 'warning'>, source: string, error: unknown): Error {
  const fault = error instanceof Error ? error : new Error(String(error));
  log.warning('source does not answer', { source, fault: fault.message });
  return fault;
}
