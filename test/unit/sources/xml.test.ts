// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { decodedText, manyOf, parseXml, XmlEnvelopes, XmlFault } from '../../../src/sources/xml.js';

describe('a document of XML', () => {
  it('becomes an object whose values are text', () => {
    const text =
      '<?xml version="1.0"?>\n<!-- <b> --><a n="1 &gt; 0"><id>007</id><t><![CDATA[<x>&lt;]]></t><e/><e></e>' +
      '<r>&lt;&amp;&#x41;&#66;&unknown;</r></a>\n';
    expect(parseXml(text)).toEqual({
      a: { '@n': '1 > 0', id: '007', t: '<x>&lt;', e: ['', ''], r: '<&AB&unknown;' },
    });
  });

  it('has its tags within attributes left alone', () => {
    expect(parseXml(`<a n='<b>' m="/>"><c k="'>"/></a>`)).toMatchObject({ a: { '@n': '<b>', '@m': '/>' } });
  });

  it('is refused when it is cut anywhere', () => {
    const text = '<?xml version="1.0"?><a b="c"><d>e</d><!-- f --><![CDATA[g]]><h/></a>';
    expect(() => parseXml(text)).not.toThrow();
    for (let end = 0; end < text.length; end += 1)
      expect(() => parseXml(text.slice(0, end))).toThrow(XmlFault);
  });

  it.each([
    ['nothing', '', /no XML/],
    ['other text', 'hello', /no XML/],
    ['two roots', '<a/><b/>', /no XML/],
    ['ends that do not fit', '<a><b></a></b>', /do not fit/],
    ['an end too many', '<a/></a>', /do not fit/],
    ['a document type', '<!DOCTYPE a><a/>', /document type/],
    ['entities', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', /document type/],
    [
      'a bomb',
      `<!DOCTYPE a [<!ENTITY b "${'c'.repeat(9)}"><!ENTITY d "${'&b;'.repeat(9)}">]><a>&d;</a>`,
      /document type/,
    ],
    ['a file of ours', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', /document type/],
    ['a document type within', '<a><!DOCTYPE a [<!ENTITY b "c">]>&b;</a>', /document type/],
    ['one in small letters', '<!doctype a [<!ENTITY b "c">]><a>&b;</a>', /document type/],
    ['one behind a short comment', '<!--><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a><!-- -->', /document type/],
    ['an element of objects', '<__proto__><a/></__proto__>', /cannot be read/],
    ['depth', `${'<a>'.repeat(65)}${'</a>'.repeat(65)}`, /more tags/],
  ])('is refused with %s', (_what, text, fault) => {
    expect(() => parseXml(text)).toThrow(fault);
  });

  it('has the bounds that it is read with', () => {
    expect(() => parseXml('<a><b/><b/></a>', { tags: 2 })).toThrow('more tags');
    expect(() => parseXml('<a><b><c/></b></a>', { depth: 1 })).toThrow('more tags');
    expect(() => parseXml('<a>123</a>', { size: 9 })).toThrow('larger');
  });

  it('has none, one or many elements of a name', () => {
    const lists = ['<a/>', '<a><b>1</b></a>', '<a><b>1</b><b>2</b></a>'].map((text) => {
      const { a } = parseXml(text) as { a: { b?: unknown } };
      return manyOf(a.b);
    });
    expect(lists).toEqual([[], ['1'], ['1', '2']]);
  });
});

describe('an envelope', () => {
  it('keeps the text of its letters as it is written', () => {
    const text = '<m><v><string>&lt;a&gt;&amp;amp;&lt;/a&gt;</string></v><n>&lt;</n></m>';
    const { m } = new XmlEnvelopes('string').parse(text) as { m: { v: { string: string }; n: string } };
    expect([m.v.string, m.n]).toEqual(['&lt;a&gt;&amp;amp;&lt;/a&gt;', '<']);
    expect(parseXml(decodedText(m.v.string))).toEqual({ a: '&' });
  });

  it('reads references once, and leaves those that name no character', () => {
    expect(decodedText('&amp;lt; &#65;&#x42;&quot;&apos; &#0; &#x110000; &foo; &')).toBe(
      `&lt; AB"' &#0; &#x110000; &foo; &`,
    );
  });
});
