// SPDX-License-Identifier: Apache-2.0
// What a program says of itself, and for how long it has been silent, in a few words for a cell of a table. Programs of other
// releases may say what this one does not know: numbers, words and states are shown by their names, the rest is left out.
import type { ServiceReport } from '../../objects/service.js';

const UNITS = [
  { seconds: 86_400, name: 'd' },
  { seconds: 3600, name: 'h' },
  { seconds: 60, name: 'min' },
] as const;

/** How long ago something was. @param seconds below 0, by clocks that differ: now */
export function ageInWords(seconds: number): string {
  const unit = UNITS.find((candidate) => seconds >= candidate.seconds);
  return unit === undefined
    ? `${Math.max(0, Math.floor(seconds))} s ago`
    : `${Math.floor(seconds / unit.seconds)} ${unit.name} ago`;
}

/** A report in words: `channels 3; tasks reaping, sources; messaging connected`. */
export function reportInWords(report: ServiceReport): string {
  return Object.entries(report)
    .flatMap(([name, value]) => {
      const words = wordsOf(value);
      if (words === null) return [];
      return [`${name.replaceAll('_', ' ')}${words === '' ? '' : ` ${words}`}`];
    })
    .join('; ');
}

/** null: nothing to tell; '': the name tells it. */
function wordsOf(value: unknown): string | null {
  if (value === true) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return value === '' ? null : value;
  if (Array.isArray(value)) return value.length === 0 ? null : value.map(String).join(', ');
  if (typeof value !== 'object' || value === null) return null;
  const { state, fault } = value as { readonly state?: unknown; readonly fault?: unknown };
  if (typeof state !== 'string') return null;
  return typeof fault === 'string' && fault !== '' ? `${state} (${fault})` : state;
}
