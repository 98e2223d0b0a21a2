// SPDX-License-Identifier: Apache-2.0
// A text that must not be seen: seeds, passwords, keys. Whatever prints it (a template, JSON, the inspector of
// a debugger or of a log line) prints three stars; the text itself comes out by reveal() alone, so that every
// place that uses it can be found by one search.
import { inspect } from 'node:util';

const MASK = '***';

/** A text that prints as `***` everywhere. */
export class Secret {
  readonly #text: string;

  /** @param text the text to keep */
  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself. Never hand it to a log, an error or a metric. */
  reveal(): string {
    return this.#text;
  }

  /** True when there is nothing but white space to keep. */
  get blank(): boolean {
    return this.#text.trim() === '';
  }

  /** Always `***`. */
  toString(): string {
    return MASK;
  }

  /** Always `***`: a configuration that is sent or stored as JSON loses its secrets. */
  toJSON(): string {
    return MASK;
  }

  /** Always `***`, for console.log and util.inspect. */
  [inspect.custom](): string {
    return MASK;
  }
}
