// SPDX-License-Identifier: Apache-2.0
// XML of platforms, with bounds that hold before anything is built of it: size, depth, number of tags; no document type, so
// that nothing expands; and every tag closed by its own end, so that what was cut short is not taken for the whole.
import { XMLParser } from 'fast-xml-parser';
import { listOf } from './json.js';

/** A text that is no XML, or more of it than is read. The message quotes nothing of it. */
export class XmlFault extends Error {}

/** What a document may have. */
export interface XmlBounds {
  /** Characters. */
  readonly size?: number;
  /** Tags within each other. */
  readonly depth?: number;
  /** Beginnings of tags. */
  readonly tags?: number;
}

const BOUNDS = { size: 64 * 1024 * 1024, depth: 64, tags: 2_000_000 } as const;

/** Before the name of an attribute, in the object of its element. */
export const ATTRIBUTE = '@';

const OPTIONS = {
  ignoreAttributes: false,
  attributeNamePrefix: ATTRIBUTE,
  // Numbers stay text: an id has no leading zeros to lose, a password may.
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  // The five of XML and references by number. Others need a document type.
  processEntities: true,
  htmlEntities: true,
  jPath: false,
  maxNestedTags: BOUNDS.depth,
} as const;

const PARSER = new XMLParser(OPTIONS);

const REFERENCE = /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi;
/** What may be a reference by number, or one of the names in other letters. */
const OTHER_REFERENCE = /&(?!lt;|gt;|amp;|quot;|apos;)/;
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const LAST_CHARACTER = 0x10ffff;

/**
 * A document as an object with its root as only member. An element without attributes and children is its text; one with them is an
 * object of them, its text under `#text`. Elements of one name are a list where there are several: `manyOf` reads both.
 * @throws XmlFault
 */
export function parseXml(text: string, bounds: XmlBounds = {}): Readonly<Record<string, unknown>> {
  return parsed(PARSER, text, bounds);
}

/**
 * Reads documents in which elements of one name hold large texts, such as documents themselves: these texts stay as they are written, and
 * `decodedText` reads those that are wanted. Many times as fast.
 */
export class XmlEnvelopes {
  private readonly parser: XMLParser;

  /** @param name of the elements whose texts stay */
  constructor(name: string) {
    this.parser = new XMLParser({ ...OPTIONS, stopNodes: [`..${name}`] });
  }

  /** As `parseXml`. @throws XmlFault */
  parse(text: string): Readonly<Record<string, unknown>> {
    return parsed(this.parser, text, {});
  }
}

/** A text with its references read; those that name no character stay. */
export function decodedText(text: string): string {
  if (!OTHER_REFERENCE.test(text))
    // Many times as fast where there are hundreds of thousands; what `&amp;` hides is no reference, so that it comes last.
    return text
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&apos;', "'")
      .replaceAll('&amp;', '&');
  return text.replace(REFERENCE, (reference, name?: string, decimal?: string, hex?: string) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? reference;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code === 0 || code > LAST_CHARACTER ? reference : String.fromCodePoint(code);
  });
}

function parsed(parser: XMLParser, text: string, bounds: XmlBounds): Readonly<Record<string, unknown>> {
  checkMarkup(text, { ...BOUNDS, ...bounds });
  try {
    return parser.parse(text) as Record<string, unknown>;
  } catch {
    throw new XmlFault('it is XML that cannot be read');
  }
}

/** The elements of one name: none, one or many. */
export function manyOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === '') return [];
  return listOf(value) ?? [value];
}

/** One walk over the markup, without building anything. */
function checkMarkup(text: string, bounds: Required<XmlBounds>): void {
  if (text.length > bounds.size) throw new XmlFault('it is larger than is read');
  const open: string[] = [];
  let [tags, roots] = [0, 0];
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    const kind = markupAt(text, at);
    const end = text.indexOf(END_OF[kind], at + 1);
    if (end < 0) throw new XmlFault('it is cut short');
    if (kind === 'type') throw new XmlFault('it has a document type, which is not read');
    if (kind === 'end') {
      if (open.pop() !== nameAt(text, at + 2, end)) throw new XmlFault('its tags do not fit together');
    } else if (kind === 'begin') {
      tags += 1;
      if (open.length === 0) roots += 1;
      const close = endOfTag(text, at, end);
      if (text[close - 1] !== '/') open.push(nameAt(text, at + 1, close));
      at = close;
      if (tags > bounds.tags || open.length > bounds.depth)
        throw new XmlFault('it has more tags than are read');
      continue;
    }
    at = end + END_OF[kind].length - 1;
  }
  if (roots !== 1) throw new XmlFault('it is no XML');
  if (open.length > 0) throw new XmlFault('it is cut short');
}

type Markup = 'begin' | 'end' | 'instruction' | 'comment' | 'cdata' | 'type';

const END_OF: Readonly<Record<Markup, string>> = {
  ...{ begin: '>', end: '>', instruction: '?>', comment: '-->', cdata: ']]>', type: '>' },
};

function markupAt(text: string, at: number): Markup {
  const next = text[at + 1];
  if (next === '/') return 'end';
  if (next === '?') return 'instruction';
  if (next !== '!') return 'begin';
  if (text.startsWith('<!--', at)) return 'comment';
  return text.startsWith('<![CDATA[', at) ? 'cdata' : 'type';
}

/** The end of a tag that begins at `at`: the first `>` that stands in no attribute. @param first the first `>` of all */
function endOfTag(text: string, at: number, first: number): number {
  // Tags without attributes are nearly all.
  if (!/["']/.test(text.slice(at, first))) return first;
  let quote = '';
  for (let index = at; index < text.length; index += 1) {
    const character = text[index] ?? '';
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return index;
  }
  throw new XmlFault('it is cut short');
}

function nameAt(text: string, from: number, to: number): string {
  let end = from;
  while (end < to && !' \t\r\n/'.includes(text[end] ?? ' ')) end += 1;
  return text.slice(from, end);
}
