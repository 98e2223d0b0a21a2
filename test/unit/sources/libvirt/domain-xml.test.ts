// SPDX-License-Identifier: Apache-2.0
// Descriptions of guests: the displays of a real libvirtd (clouds of defined and live forms), and what nobody would write honestly.
import { describe, expect, it } from '@jest/globals';
import { domainFacts, type SpiceDisplay } from '../../../../src/sources/libvirt/domain-xml.js';

const UUID = '55e0ea17-a611-4c51-a498-47e3d99c0208';

const xmlOf = (graphics: string, title = ''): string =>
  `<domain type='kvm' id='1'><name>a&lt;b</name><uuid>${UUID}</uuid>${title}<devices>${graphics}</devices></domain>`;
const spiceOf = (graphics: string): SpiceDisplay | null | undefined => domainFacts(xmlOf(graphics))?.spice;

const NONE = { port: null, tlsPort: null, password: null, passwordUntil: null };
const LOCAL = { kind: 'address', address: '127.0.0.1' };

describe('the description of a guest', () => {
  it.each([
    [
      "<graphics type='spice' port='5900' tlsPort='5901' autoport='yes' listen='127.0.0.1'><listen type='address' address='127.0.0.1'/></graphics>",
      { listen: LOCAL, ...NONE, port: 5900, tlsPort: 5901 },
    ],
    [
      "<graphics type='spice' tlsPort='5904' autoport='yes' listen='127.0.0.1' defaultMode='secure'><listen type='address' address='127.0.0.1'/></graphics>",
      { listen: LOCAL, ...NONE, tlsPort: 5904 },
    ],
    [
      "<graphics type='spice' port='25950' autoport='no' listen='::1' passwd='a&quot;b&apos;&amp;&#x27;' passwdValidTo='2026-11-29T23:00:00' connected='keep'/>",
      {
        ...{ listen: { kind: 'address', address: '::1' }, port: 25_950, tlsPort: null },
        ...{ password: `a"b'&'`, passwordUntil: Date.UTC(2026, 10, 29, 23) / 1000 },
      },
    ],
    [
      "<graphics type='spice'><listen type='socket' socket='/run/sp.sock'/></graphics>",
      { listen: { kind: 'socket', path: '/run/sp.sock' }, ...NONE },
    ],
    ["<graphics type='spice'><listen type='none'/></graphics>", { listen: { kind: 'none' }, ...NONE }],
    ["<graphics type='spice' port='-1' listen='127.0.0.1'/>", { listen: LOCAL, ...NONE }],
    [
      "<graphics type='vnc' port='5908'/><graphics type='spice' port='5906' listen='0.0.0.0'/>",
      { listen: { kind: 'address', address: '0.0.0.0' }, ...NONE, port: 5906 },
    ],
  ])('says where SPICE listens: %s', (graphics, expected) => {
    expect(spiceOf(graphics)).toEqual(expected);
  });

  it('says what people call it', () => {
    expect(domainFacts(xmlOf(''))).toEqual({ uuid: UUID, title: 'a<b', tags: [], spice: null });
    expect(domainFacts(xmlOf('', '<title> Build &amp; test\n</title>'))).toMatchObject({
      ...{ title: 'Build & test', tags: ['title:Build & test'] },
    });
    expect(spiceOf("<graphics type='vnc' port='5900'/>")).toBeNull();
  });

  it('has no tag of a title that only looks like another one when it is cut or joined', () => {
    const tagsOf = (title: string) => domainFacts(xmlOf('', `<title>${title}</title>`))?.tags;
    expect(tagsOf('a\nb')).toEqual([]);
    expect(tagsOf('x'.repeat(249))).toHaveLength(1);
    expect(tagsOf('x'.repeat(250))).toEqual([]);
  });

  it.each([
    ['an address with a line end', "<graphics type='spice' port='5900' listen='h&#10;x'/>"],
    ['a relative path', "<graphics type='spice'><listen type='socket' socket='sp.sock'/></graphics>"],
    [
      'a path that is too long',
      `<graphics type='spice'><listen type='socket' socket='/${'x'.repeat(108)}'/></graphics>`,
    ],
  ])('leads nowhere by %s', (_what, graphics) => {
    expect(spiceOf(graphics)?.listen).toEqual({ kind: 'none' });
  });

  it.each([
    ['a port beyond all', "port='65536'", { port: null }],
    ['a port of letters', "port='59OO'", { port: null }],
    ['a password that SPICE cannot have', `passwd='${'x'.repeat(60)}'`, { password: null }],
    ['a time that is none', "passwdValidTo='never'", { passwordUntil: null }],
  ])('does without %s', (_what, attribute, expected) => {
    expect(spiceOf(`<graphics type='spice' listen='127.0.0.1' ${attribute}/>`)).toMatchObject(expected);
  });

  it.each([
    ['nothing', ''],
    ['text', 'no XML'],
    ['another document', '<network><name>a</name></network>'],
    ['no UUID', '<domain><name>a</name></domain>'],
    ['a document type', `<!DOCTYPE a [<!ENTITY b "c">]>${xmlOf('')}`],
    ['a bomb', `<!DOCTYPE l [<!ENTITY l0 "l"><!ENTITY l1 "&l0;&l0;">]>${xmlOf('', '<title>&l1;</title>')}`],
    ['a thousand levels', `<domain>${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}</domain>`],
    ['a name of the language', xmlOf('<__proto__>x</__proto__>')],
    ['a megabyte', xmlOf(`<x>${'y'.repeat(1024 * 1024)}</x>`)],
  ])('is none with %s', (_what, xml) => {
    expect(domainFacts(xml)).toBeNull();
  });
});
