// SPDX-License-Identifier: Apache-2.0
// The strings of the admin UI: every language fills in what English does.
import { describe, expect, it } from '@jest/globals';
import { de } from '../../../ui/src/strings/de.js';
import { en } from '../../../ui/src/strings/en.js';
import { languageOf, say, type StringName } from '../../../ui/src/strings/index.js';

const places = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();

describe('the strings', () => {
  it('are the same in all languages, and have the same places', () => {
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
    for (const name of Object.keys(en) as StringName[])
      expect([name, places(de[name])]).toEqual([name, places(en[name])]);
  });

  it('of the contract are what it says', () => {
    const names = ['signIn.username', 'signIn.password', 'signIn.submit', 'consoles.open'] as const;
    expect(names.map((name) => en[name])).toEqual(['Username', 'Password', 'Sign in', 'Open desktop']);
    expect([en['consoles.browser'], en['sessions.end']]).toEqual(['Open in browser', 'End session']);
  });
});

describe('say', () => {
  it.each([
    ['en', 'overview.pending', { count: 3 }, '3 waiting for their client'],
    ['de', 'overview.pending', { count: 3 }, '3 warten auf ihren Client'],
    ['fr', 'app.cancel', {}, 'Cancel'],
    ['en', 'overview.pending', {}, '{count} waiting for their client'],
  ] as const)('%s %s', (language, name, fillings, text) => {
    expect(say(language, name, fillings)).toBe(text);
  });
});

describe('languageOf', () => {
  it.each([
    [['fr-FR', 'de-AT', 'en'], 'de'],
    [['', 'xx'], 'en'],
    [[], 'en'],
    [['constructor', 'de'], 'de'],
  ])('%j', (wanted, code) => {
    expect(languageOf(wanted)).toBe(code);
  });
});
