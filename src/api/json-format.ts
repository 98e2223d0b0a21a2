// SPDX-License-Identifier: Apache-2.0
// How JSON bodies are written: indented by four, keys sorted, so that people can read and compare them.

/** For Express' setting `json spaces`. */
export const JSON_SPACES = 4;

/** For Express' setting `json replacer`: the members of every object in the order of their names. */
export function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A JSON text in this format. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, sortedKeys, JSON_SPACES);
}
