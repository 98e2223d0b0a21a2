// SPDX-License-Identifier: Apache-2.0
// What a viewer has chosen: language and appearance. Kept in this browser; where it keeps nothing, for as long as the page is open.
import { useSyncExternalStore } from 'react';
import { languageOf, say, type Fillings, type StringName } from './strings/index.js';

/** How the page looks: as the system says, or always light or dark. */
export type Theme = 'auto' | 'light' | 'dark';

interface Settings {
  readonly language: string;
  readonly theme: Theme;
}

const KEYS = { language: 'kerbside.language', theme: 'kerbside.theme' } as const;
const listeners = new Set<() => void>();

let settings: Settings = {
  language: languageOf([stored(KEYS.language), ...navigator.languages]),
  theme: themeOf(stored(KEYS.theme)),
};
apply();

/** The settings, and again when they change. */
export function useSettings(): Settings {
  return useSyncExternalStore(subscribe, () => settings);
}

/** Changes some of them. */
export function changeSettings(change: Partial<Settings>): void {
  settings = { ...settings, ...change };
  try {
    localStorage.setItem(KEYS.language, settings.language);
    localStorage.setItem(KEYS.theme, settings.theme);
  } catch {
    // This browser keeps nothing for this page.
  }
  apply();
  for (const listener of listeners) listener();
}

/** Says a string in the language of the viewer. */
export type Say = (name: StringName, fillings?: Fillings) => string;

/** How to say a string. */
export function useSay(): Say {
  const { language } = useSettings();
  return (name, fillings) => say(language, name, fillings);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function apply(): void {
  document.documentElement.lang = settings.language;
  document.documentElement.dataset['theme'] = settings.theme;
}

function stored(key: string): string {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

function themeOf(text: string): Theme {
  return text === 'light' || text === 'dark' ? text : 'auto';
}
