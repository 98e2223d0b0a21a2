// SPDX-License-Identifier: Apache-2.0
// What a person reads whose console did not open, or has ended: what happened, and what to do. As a page for browsers, and as
// sentences for the picture that a viewer is shown. Fixed sentences only: nothing of the request is in them, and the page
// loads nothing from anywhere.
import { hash } from 'node:crypto';

/** What there is to explain. */
export type Explained =
  | 'absent'
  | 'unknown'
  | 'limited'
  | 'unavailable'
  | 'stopped'
  | 'moving'
  | 'building'
  | 'in_use'
  | 'console_in_use'
  | 'replaced'
  | 'terminated'
  | 'gone'
  | 'unreachable'
  | 'refused'
  | 'wrong_guest'
  | 'forbidden'
  | 'other_viewer'
  | 'machine_ended'
  | 'idle'
  | 'interrupted'
  | 'not_opened'
  | 'lost';

const STYLE =
  ':root{color-scheme:light dark}body{margin:0;font:16px/1.5 sans-serif;background:Canvas;color:CanvasText}' +
  'main{max-width:34rem;margin:15vh auto 0;padding:0 1.5rem}h1{font-size:1.5rem;line-height:1.3}';

/** The Content-Security-Policy of the page: its own style and nothing else. Who may frame it is for the service to say. */
export const EXPLANATION_POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`;

/** The media type of the page. */
export const EXPLANATION_TYPE = 'text/html; charset=utf-8';

const OPEN_AGAIN =
  'Open the console from your dashboard again in a moment; if it stays so, tell your administrator.';

/** What happened; what to do; what to do in a viewer, where that is something else: it has no page to load again. */
const SENTENCES: Readonly<Record<Explained, readonly [string, string, string?]>> = {
  absent: [
    'This link has no console token',
    'Open the console from your dashboard again, or copy the whole link.',
  ],
  unknown: [
    'This console link is not valid any more',
    'A link works for some minutes only, and ends with its machine. Open the console from your dashboard again.',
  ],
  limited: ['Too many attempts', 'Wait a minute, then open the console from your dashboard again.'],
  unavailable: [
    'The cloud does not answer',
    'It could not be asked about this console. Try again in a moment; if it stays so, tell your administrator.',
  ],
  stopped: ['The machine is not running', 'Start it, then open its console again.'],
  moving: ['The machine is being moved to another host', 'Try again when that is done.'],
  building: ['The machine is not ready yet', 'Try again when it has been started.'],
  in_use: [
    'This desktop is open in another window',
    'Close it there first, or open the console from your dashboard again.',
  ],
  console_in_use: [
    'Somebody else has this desktop open',
    'Wait until they have closed it, then open the console from your dashboard again.',
  ],
  replaced: [
    'Somebody else has opened this desktop',
    'Your session has ended for theirs. If you need it again, ask them first, then open the console from your dashboard.',
  ],
  terminated: [
    'This desktop session was ended',
    'Its owner or an administrator ended it. Open the console from your dashboard again.',
  ],
  gone: ['The machine does not exist any more', 'Choose another one in your dashboard.'],
  unreachable: [
    'The screen of the machine cannot be reached',
    'Its host does not answer. Load this page again in a moment; if it stays so, tell your administrator.',
    `Its host does not answer. ${OPEN_AGAIN}`,
  ],
  refused: [
    'The screen of the machine cannot be shown',
    'Its host and the console service do not accept each other. Tell your administrator.',
  ],
  wrong_guest: [
    'The screen of the machine cannot be shown',
    'Another machine answered in its place. Load this page again in a moment; if it stays so, tell your administrator.',
    `Another machine answered in its place. ${OPEN_AGAIN}`,
  ],
  forbidden: [
    'This desktop may not be opened',
    'The rules of this site do not permit it. If you need it, ask your administrator.',
  ],
  other_viewer: [
    'This desktop opens with another viewer',
    'Open it from your dashboard again, in the browser.',
  ],
  machine_ended: [
    'The machine closed its screen',
    'It was shut down or restarted, or its screen was opened elsewhere. Load this page again when it runs.',
    'It was shut down or restarted, or its screen was opened elsewhere. Open its console again when it runs.',
  ],
  idle: [
    'This desktop was not used for a long time',
    'Load this page again, or open the console from your dashboard.',
    'Open the console from your dashboard again.',
  ],
  interrupted: [
    'The console service was restarted',
    'The machine runs on. Load this page again in a moment.',
    'The machine runs on. Open the console from your dashboard again in a moment.',
  ],
  not_opened: [
    'The desktop could not be opened',
    'The console service did not answer. Load this page again in a moment; if it stays so, tell your administrator.',
    `The console service did not answer. ${OPEN_AGAIN}`,
  ],
  lost: [
    'The connection to the machine was lost',
    'The machine runs on. Load this page again.',
    'The machine runs on. Open the console from your dashboard again.',
  ],
};

/** The two sentences: what happened, and what to do. */
export function sentencesAbout(about: Explained): { readonly title: string; readonly advice: string } {
  const [title, advice] = SENTENCES[about];
  return { title, advice };
}

/** The same for somebody who looks at a viewer. */
export function sentencesInViewer(about: Explained): { readonly title: string; readonly advice: string } {
  const [title, advice, inViewer = advice] = SENTENCES[about];
  return { title, advice: inViewer };
}

/** The page. */
export function explanation(about: Explained): string {
  const { title, advice } = sentencesAbout(about);
  return (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n' +
    `<title>${title}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<main>\n<h1>${title}</h1>\n<p>${advice}</p>\n</main>\n</body>\n</html>\n`
  );
}
