// SPDX-License-Identifier: Apache-2.0
// A talk with whoever is at the other end of a leg, before it relays: one deadline, the connection's signal, and the leg's
// errors, for whatever is said.
import { inTenths } from '../../net/deadline.js';
import type { EndSignal } from '../connection/end-signal.js';
import type { BackendFailed } from '../connection/ends.js';
import type { BackendLeg } from './leg.js';

/** What is said, and what is made of the answers. */
export interface Exchange<T> {
  /** The leg can carry bytes. */
  begin(write: (bytes: Buffer) => void): void;
  /** Takes what came; its outcome, or null while there is more to come. */
  push(chunk: Buffer): T | null;
  /** The fault that an end of the stream is. */
  ended(): BackendFailed;
  /** The fault that no outcome in time is. */
  late(): BackendFailed;
  /** The fault that an error of the socket is. */
  failed(error: NodeJS.ErrnoException): Error;
}

/**
 * Runs an exchange on a leg that may still be connecting; leaves its reading stopped, or destroys the leg.
 *
 * @param timeLeft milliseconds
 * @throws the faults of the exchange, what its push() throws, and the fault that `signal` was raised with
 */
export function runExchange<T>(
  leg: BackendLeg,
  exchange: Exchange<T>,
  signal: EndSignal,
  timeLeft: number,
): Promise<T> {
  const { socket, readyEvent } = leg;
  return new Promise<T>((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(deadline);
      socket.off('error', onError).off('end', onEnd).off('close', onEnd);
      if (readyEvent !== null) socket.off(readyEvent, onReady);
      socket.on('error', () => undefined);
      signal.removeEventListener('abort', onAbort);
      leg.read(() => false);
      act();
    };
    const fail = (error: unknown): void => {
      socket.destroy();
      settle(() => reject(error instanceof Error ? error : new Error(String(error))));
    };
    const onError = (error: NodeJS.ErrnoException): void => fail(exchange.failed(error));
    const onEnd = (): void => fail(exchange.ended());
    const onAbort = (): void => fail(signal.reason);
    const onReady = (): void => exchange.begin((bytes) => socket.write(bytes));
    const take = (chunk: Buffer): boolean => {
      try {
        const outcome = exchange.push(chunk);
        if (outcome === null) return true;
        settle(() => resolve(outcome));
      } catch (error) {
        fail(error);
      }
      return false;
    };
    const deadline = setTimeout(() => fail(exchange.late()), inTenths(timeLeft));
    socket.on('error', onError).once('end', onEnd).once('close', onEnd);
    signal.addEventListener('abort', onAbort);
    leg.read((length, buffer) => take(buffer.subarray(0, length)));
    if (socket.destroyed) onEnd();
    else if (readyEvent !== null) socket.once(readyEvent, onReady);
    else {
      onReady();
      leg.resume();
    }
  });
}
