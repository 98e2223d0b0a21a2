// SPDX-License-Identifier: Apache-2.0
// Why a desktop did not open, or has ended: the service knows.
import { placeOf } from './place.js';
import type { Say } from './strings.js';

/** What to show. */
export interface Ended {
  readonly about: string;
  readonly title: string;
  readonly advice: string;
  /** Epoch seconds; null: it never began. */
  readonly ended_at: number | null;
}

/** Milliseconds that the service has for its answer: an explanation is due ten seconds after the first sign. */
const PATIENCE_MS = 5000;
/** What may be over in a moment. */
const PASSING: readonly string[] = ['lost', 'interrupted'];

/** Whether it is worth another try without a question. */
export function isPassing({ about }: Ended): boolean {
  return PASSING.includes(about);
}

/** Asks. Always gives something to show. */
export async function askWhy(password: string, say: Say): Promise<Ended> {
  const fallback: Ended = { about: 'lost', title: say('lost'), advice: say('lostAdvice'), ended_at: null };
  try {
    const answer = await fetch(placeOf('kerbside-ended'), {
      cache: 'no-store',
      credentials: 'omit',
      headers: { Authorization: `Bearer ${password}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return answer.ok ? ((await answer.json()) as Ended) : fallback;
  } catch {
    return fallback;
  }
}
