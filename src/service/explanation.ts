// SPDX-License-Identifier: Apache-2.0
// The page that a person reads whose console did not open: what happened, and what to do. Fixed sentences only: nothing
// of the request is in it, and nothing is loaded from anywhere.

/** What there is to explain. */
export type Explained = 'absent' | 'unknown' | 'limited' | 'unavailable' | 'stopped' | 'moving' | 'building';

/** The media type of the page. */
export const EXPLANATION_TYPE = 'text/html; charset=utf-8';

const SENTENCES: Readonly<Record<Explained, readonly [string, string]>> = {
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
};

/** The page. */
export function explanation(about: Explained): string {
  const [title, advice] = SENTENCES[about];
  return (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n' +
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n' +
    `<title>${title}</title>\n</head>\n<body>\n<main>\n<h1>${title}</h1>\n<p>${advice}</p>\n</main>\n</body>\n</html>\n`
  );
}
