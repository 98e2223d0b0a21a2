// SPDX-License-Identifier: Apache-2.0
// The words of the page. What the service explains comes from there, in English.

const EN = {
  again: 'Connect again',
  agentOff: 'The machine keeps its own screen size.',
  clipboard: 'Text',
  clipboardHint: 'Text to bring into the desktop, or what was copied there',
  connected: 'Connected',
  connecting: 'Connecting …',
  ended: 'Ended: {time}',
  fit: 'Fit to window',
  fullScreen: 'Full screen',
  grow: 'Resize the desktop',
  keyboard: 'Keyboard',
  keys: 'Keys',
  late: 'The desktop has not come up yet',
  lateAdvice: 'The page goes on trying. If nothing appears, load it again, or tell your administrator.',
  leave: 'Leave full screen',
  load: 'Load again',
  lost: 'The connection to the console service was lost',
  lostAdvice: 'Load this page again in a moment.',
  menu: 'Menu',
  native: 'Open in native client',
  nativeAdvice: 'Open the file that was downloaded within {seconds} seconds, with Remote Viewer.',
  nativeTitle: 'The desktop goes on in the native client',
  noClient: 'The viewer of this kind of desktop cannot be loaded',
  noClientAdvice: 'Load this page again; if it stays so, tell your administrator.',
  paste: 'To the clipboard',
  retrying: 'Connection lost. Trying again …',
  sound: 'Sound',
  still: 'Still connecting …',
  type: 'Type it',
  untyped: 'Not typed: {characters}',
  wasEnded: 'Disconnected',
} as const;

/** A word or a sentence of the page. */
export type Text = keyof typeof EN;

/** Says it in the language of the browser. */
export type Say = (text: Text, values?: Readonly<Record<string, string>>) => string;

const DE: Readonly<Record<Text, string>> = {
  again: 'Wieder verbinden',
  agentOff: 'Die Maschine behält ihre Bildschirmgröße.',
  clipboard: 'Text',
  clipboardHint: 'Text für den Desktop, oder was dort kopiert wurde',
  connected: 'Verbunden',
  connecting: 'Verbinde …',
  ended: 'Beendet: {time}',
  fit: 'An Fenster anpassen',
  fullScreen: 'Vollbild',
  grow: 'Desktop anpassen',
  keyboard: 'Tastatur',
  keys: 'Tasten',
  late: 'Der Desktop ist noch nicht da',
  lateAdvice: 'Die Seite versucht es weiter. Wenn nichts erscheint: neu laden, oder die Verwaltung fragen.',
  leave: 'Vollbild beenden',
  load: 'Neu laden',
  lost: 'Die Verbindung zum Konsolendienst ging verloren',
  lostAdvice: 'Diese Seite gleich noch einmal laden.',
  menu: 'Menü',
  native: 'Im nativen Programm öffnen',
  nativeAdvice: 'Die heruntergeladene Datei binnen {seconds} Sekunden mit Remote Viewer öffnen.',
  nativeTitle: 'Der Desktop geht im nativen Programm weiter',
  noClient: 'Das Programm für diese Art von Desktop lässt sich nicht laden',
  noClientAdvice: 'Diese Seite noch einmal laden; bleibt es dabei, die Verwaltung fragen.',
  paste: 'In die Zwischenablage',
  retrying: 'Verbindung verloren. Neuer Versuch …',
  sound: 'Ton',
  still: 'Verbinde noch …',
  type: 'Tippen',
  untyped: 'Nicht getippt: {characters}',
  wasEnded: 'Getrennt',
};

/** The words for a browser with these languages. */
export function wordsFor(languages: readonly string[]): { readonly lang: 'en' | 'de'; readonly say: Say } {
  const first = languages
    .map((tag) => tag.slice(0, 2).toLowerCase())
    .find((tag) => tag === 'en' || tag === 'de');
  const lang = first === 'de' ? 'de' : 'en';
  const words: Readonly<Record<Text, string>> = lang === 'de' ? DE : EN;
  const say: Say = (text, values = {}) =>
    words[text].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  return { lang, say };
}
