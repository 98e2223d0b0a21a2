// SPDX-License-Identifier: Apache-2.0
// Ends to waiting. Work that takes too long is left behind: its late outcome is dropped, and so are its late faults. A
// timer lives no longer than the wait that it bounds, so that none of them keeps a process from ending.
import type { EventEmitter } from 'node:events';

/**
 * Waits for `work`, at most `milliseconds`.
 *
 * @param fault makes what is thrown when the time is over; it may stop the work, too
 * @throws what `work` rejects with in time, or what `fault` makes
 */
export function withDeadline<T>(work: Promise<T>, milliseconds: number, fault: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(fault()), milliseconds);
    work.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}

/**
 * Waits until `work` is done, at most `milliseconds`.
 *
 * @returns whether it was done in time
 * @throws what `work` rejects with in time
 */
export function doneWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    work.finally(() => clearTimeout(timer)).then(() => resolve(true), reject);
  });
}

/**
 * Waits for `work` until a signal fires; for work that does not heed its signal in time.
 *
 * @returns the outcome, or null when the signal fires first
 * @throws what `work` rejects with before that
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => resolve(null);
    signal.addEventListener('abort', giveUp, { once: true });
    work.finally(() => signal.removeEventListener('abort', giveUp)).then(resolve, reject);
    if (signal.aborted) giveUp();
  });
}

/**
 * A signal that fires after `milliseconds` (rounded up), or with the first of the others.
 *
 * @returns a signal that keeps no process alive; its reason is a TimeoutError when the time was over first
 */
export function signalWithin(milliseconds: number, ...others: readonly AbortSignal[]): AbortSignal {
  // Not AbortSignal.timeout: neither its timer nor AbortSignal.any holds it, so the garbage collector may take the deadline away.
  const deadline = new AbortController();
  const fire = (): void => deadline.abort(new DOMException('The time is over', 'TimeoutError'));
  setTimeout(fire, Math.ceil(milliseconds)).unref();
  return others.length === 0 ? deadline.signal : AbortSignal.any([deadline.signal, ...others]);
}

/** What can be cut: a socket, for one. */
interface Destroyable extends EventEmitter {
  destroy(): unknown;
}

/** Destroys a socket that has not closed by itself after `milliseconds`. @returns the function that calls it off */
export function destroyAfter(socket: Destroyable, milliseconds: number): () => void {
  const timer = setTimeout(() => socket.destroy(), milliseconds);
  const callOff = (): void => clearTimeout(timer);
  socket.once('close', callOff);
  return callOff;
}

/**
 * What is left of a time, in whole tenths of a second and at least one: Node keeps a list for each length of its timers,
 * and makes and drops one for each wait whose length no other one has.
 */
export function inTenths(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 100)) * 100;
}
