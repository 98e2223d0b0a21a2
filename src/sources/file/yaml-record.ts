// SPDX-License-Identifier: Apache-2.0
// YAML as lists, records and texts that know their line and column. All scalars are text (the failsafe schema of
// YAML 1.2, section 10.1), so a ticket of 0123 keeps its zero. Anchors, aliases and merge keys work.
// A fault's words never hold text of the file, because passwords stand in it.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { KerbsideException } from '../../exception.js';

/** Where something stands in the file, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** `line 3, column 7: text` */
export const located = (position: Position, text: string): string =>
  `line ${String(position.line)}, column ${String(position.column)}: ${text}`;

/** The file as a whole cannot be used. The message begins with line and column. */
export class YamlFault extends KerbsideException {
  constructor(position: Position, fault: string) {
    super(located(position, fault));
  }
}

/** A value with its place: text, null (nothing, `~` or `null`), or something that is no text. */
export interface YamlValue {
  readonly position: Position;
  readonly kind: 'text' | 'nothing' | 'list' | 'record';
  readonly text: string;
  readonly node: Node | null;
}

/** A mapping: its values by key, and the keys that stand in it twice (the last one counts). */
export interface YamlRecord {
  readonly position: Position;
  readonly values: ReadonlyMap<string, YamlValue>;
  readonly repeated: readonly (Position & { readonly key: string })[];
}

const MAX_MERGE_DEPTH = 8;
const NOTHING = /^(~|null|Null|NULL)?$/;

// The parser's own sentences may quote the file; these do not. By `code` of the yaml package's YAMLError.
const FAULTS: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'bad alias or anchor',
  BAD_DIRECTIVE: 'bad %-directive',
  BAD_DQ_ESCAPE: 'bad escape in double quotes; use single quotes or double the backslash',
  BAD_INDENT: 'wrong indentation, or a bracket that is not closed',
  BAD_SCALAR_START: 'text cannot begin with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second "key: value" on one line; put values with a colon in quotes',
  BLOCK_IN_FLOW: 'block style inside brackets',
  MISSING_CHAR: 'something is missing: a closing quote, a colon, a dash or a comma',
  MULTILINE_IMPLICIT_KEY: 'a key over several lines; is a colon missing?',
  MULTIPLE_DOCS: 'more than one YAML document in the file',
  TAB_AS_INDENT: 'a tab in the indentation; use spaces',
  UNEXPECTED_TOKEN: 'something that does not belong here',
};

function wordsFor(code: string, text: string, offset: number): string {
  const before = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  const known = /^\s*\t\s*$/.test(before) ? FAULTS['TAB_AS_INDENT'] : FAULTS[code];
  return known ?? `not valid YAML (${code})`;
}

/** A parsed file: gives lists and records as the caller asks for them. */
export class YamlFile {
  private readonly lines = new LineCounter();
  private readonly document: Document;

  /** @throws YamlFault */
  constructor(text: string) {
    const document = parseDocument(text, {
      schema: 'failsafe',
      merge: true,
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: this.lines,
    });
    const [error] = document.errors;
    if (error !== undefined) {
      throw new YamlFault(this.position(error.pos[0]), wordsFor(error.code, text, error.pos[0]));
    }
    this.document = document;
  }

  /** The whole file as one value. */
  root(): YamlValue {
    return this.value(this.document.contents, { line: 1, column: 1 });
  }

  /** The items of a list; null when the value is no list. */
  list(value: YamlValue): YamlValue[] | null {
    if (!isSeq(value.node)) return null;
    return value.node.items.map((item) => this.value(item as Node | null, value.position));
  }

  /**
   * The record that a value is; null when it is something else.
   * @throws YamlFault when merge keys go in circles
   */
  record(value: YamlValue): YamlRecord | null {
    if (!isMap(value.node)) return null;
    const values = new Map<string, YamlValue>();
    const repeated: (Position & { key: string })[] = [];
    this.collect(value.node, values, repeated, 0);
    return { position: value.position, values, repeated };
  }

  // Keys of the map itself win over merged ones, wherever the merge key stands.
  private collect(
    map: YAMLMap,
    into: Map<string, YamlValue>,
    repeated: (Position & { key: string })[],
    depth: number,
  ): void {
    const position = this.position(map.range?.[0] ?? 0);
    if (depth > MAX_MERGE_DEPTH)
      throw new YamlFault(position, 'merge keys (<<) that go in circles or too deep');
    const own = new Map<string, YamlValue>();
    const merges: (Node | null)[] = [];
    for (const pair of map.items) {
      const key = isScalar(pair.key) ? pair.key.value : pair.key;
      if (typeof key === 'symbol') {
        merges.push(pair.value as Node | null);
        continue;
      }
      if (!isScalar(pair.key)) continue;
      const name = String(key);
      const at = this.position(pair.key.range?.[0] ?? 0);
      if (own.has(name)) repeated.push({ ...at, key: name });
      own.set(name, this.value(pair.value as Node | null, at));
    }
    for (const [name, value] of own) if (!into.has(name)) into.set(name, value);
    for (const merged of merges.flatMap((node) => this.mergedMaps(node)))
      this.collect(merged, into, repeated, depth + 1);
  }

  private mergedMaps(node: Node | null): YAMLMap[] {
    const target = this.resolved(node);
    if (isMap(target)) return [target];
    if (!isSeq(target)) return [];
    return target.items.map((item) => this.resolved(item as Node | null)).filter((item) => isMap(item));
  }

  private resolved(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.document) ?? null) : node;
  }

  private value(raw: Node | null, fallback: Position): YamlValue {
    const node = this.resolved(raw);
    const position = raw?.range == null ? fallback : this.position(raw.range[0]);
    if (isSeq(node)) return { position, kind: 'list', text: '', node };
    if (isMap(node)) return { position, kind: 'record', text: '', node };
    const text = isScalar(node) ? String(node.value) : '';
    const nothing = !isScalar(node) || (node.type === 'PLAIN' && NOTHING.test(text));
    return { position, kind: nothing ? 'nothing' : 'text', text: nothing ? '' : text, node };
  }

  private position(offset: number): Position {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}
