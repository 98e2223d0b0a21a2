// SPDX-License-Identifier: Apache-2.0
// An end to waiting: what takes too long is left behind, and its late outcome is dropped.
import { Unavailable } from '../exception.js';

/** Waits for `work`, at most `seconds`. @throws Unavailable when the time is over */
export function withDeadline<T>(work: Promise<T>, seconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Unavailable(`no answer within ${String(seconds)} s`)),
      seconds * 1000,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
