// SPDX-License-Identifier: Apache-2.0
// What a page is told when its desktop does not open or has ended: which explanation, and when it was.
import type { SessionOutcome } from '../objects/session-outcome.js';
import { explainedDenial } from '../service/explained-denial.js';
import { explainedEnd } from '../service/explained-end.js';
import { sentencesAbout, type Explained } from '../service/explanation.js';

/** The answer to a page. */
export interface Ended {
  readonly about: Explained;
  readonly title: string;
  readonly advice: string;
  /** The recorded reason; null: none is known. */
  readonly reason: string | null;
  /** Epoch seconds; null: it never began. */
  readonly ended_at: number | null;
}

/** What to tell the page about the outcome of its desktop. */
export function endedAs({ denial, ended }: Pick<SessionOutcome, 'denial' | 'ended'>): Ended {
  const about =
    denial !== null
      ? explainedDenial(denial)
      : ended === null
        ? 'not_opened'
        : explainedEnd(ended.reason ?? '');
  return { about, ...sentencesAbout(about), reason: ended?.reason ?? null, ended_at: ended?.at ?? null };
}

/** What to tell a page when nothing can be found out. */
export function endedUnknown(about: Explained): Ended {
  return { about, ...sentencesAbout(about), reason: null, ended_at: null };
}
