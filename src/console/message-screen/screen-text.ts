// SPDX-License-Identifier: Apache-2.0
// The words on a message screen: the sentences that pages have too, what a key does, which desktop it is about, and what to tell
// who helps. Nothing that names a hypervisor, and nothing of the fault's own words. The name of the desktop is shown to the
// holder of a ticket for it, who has it on the dashboard and in the .vv file.
import { sentencesInViewer } from '../../service/explanation.js';
import type { ScreenText } from './picture.js';
import { shownName } from './shown-name.js';
import { canBeBack, type ScreenSubject } from './subject.js';

/**
 * The words.
 *
 * @param now milliseconds since the epoch
 * @param seconds for which the screen stays
 */
export function screenText(
  { about, sessionId, name }: ScreenSubject,
  now: number,
  seconds: number,
): ScreenText {
  const { title, advice } = sentencesInViewer(about);
  const closes = `This window closes by itself after ${lasting(seconds)}.`;
  const shown = name === null ? null : shownName(name);
  const desktop = shown === null ? [] : [`Desktop ${shown}`];
  const again = canBeBack(about) ? ['Press any key to try again.'] : [];
  return {
    title,
    advice: [advice, [...again, closes].join(' ')],
    reference: ['If you ask for help, tell this:', ...desktop, `Session ${sessionId}`, `Time ${utc(now)}`],
  };
}

function lasting(seconds: number): string {
  if (seconds % 60 !== 0) return `${seconds} seconds`;
  return seconds === 60 ? 'a minute' : `${seconds / 60} minutes`;
}

/** To the minute, such as "2026-11-29 20:01 UTC". */
function utc(now: number): string {
  return `${new Date(now).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
