// SPDX-License-Identifier: Apache-2.0
// JSON that columns of text keep, read with a judgement: a row may come from another release.

/** The value as an object; an empty one where it is none. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** The texts of a list; none where it is no list. @throws SyntaxError when it is no JSON */
export function textsIn(json: string): string[] {
  const texts: unknown = JSON.parse(json);
  return Array.isArray(texts) ? texts.map(String) : [];
}
