// SPDX-License-Identifier: Apache-2.0
// sources.yaml: the keys of the original are read, and every fault says where it is, whose it is and what to do.
import { describe, expect, it } from '@jest/globals';
import { PLATFORMS } from '../../../../src/sources/registry.js';
import {
  COMMON_KEYS,
  decodeSources,
  faultText,
  parseSources,
} from '../../../../src/sources/file/sources-file.js';
import { aConsole, CERTIFICATE, indented, staticSource } from './sources-yaml.js';

const UUID = '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c';

function faultsOf(text: string): readonly string[] {
  return parseSources(text).entries.flatMap((entry) => [...entry.faults, ...entry.consoleFaults]);
}

describe('a good file', () => {
  it('gives a static source with its consoles', () => {
    const text = [
      '- source: lab',
      '  type: static',
      `  ca_cert: |`,
      indented(CERTIFICATE, 4),
      '  consoles:',
      `    - uuid: ${UUID}`,
      '      name: desktop',
      '      hypervisor: hv1.example.com',
      '      hypervisor_ip: 192.0.2.7',
      '      insecure_port: 5900',
      '      secure_port: 5901',
      '      host_subject: "C=US,O=Lab,CN=hv1"',
      '      ticket: 0123',
    ].join('\n');
    const { entries, nameless, warnings } = parseSources(text);
    expect(nameless).toEqual([]);
    expect(warnings).toEqual([]);
    expect(entries).toHaveLength(1);
    expect(entries[0]?.faults).toEqual([]);
    expect(entries[0]?.definition).toMatchObject({ name: 'lab', type: 'static', password: null });
    expect(entries[0]?.definition.caCert).toContain('BEGIN CERTIFICATE');
    expect(entries[0]?.listed.consoles).toEqual([
      {
        uuid: UUID,
        name: 'desktop',
        hypervisor: 'hv1.example.com',
        hypervisorIp: '192.0.2.7',
        insecurePort: 5900,
        securePort: 5901,
        hostSubject: 'C=US,O=Lab,CN=hv1',
        ticket: '0123',
      },
    ]);
  });

  it('may say what the server of a console speaks; SPICE where it does not', () => {
    const text = staticSource(
      aConsole({ protocol: 'vnc', secure_port: null }),
      aConsole({ uuid: '00000000-0000-4000-8000-000000000002', protocol: 'spice' }),
      aConsole({ uuid: '00000000-0000-4000-8000-000000000003' }),
    );
    const { entries } = parseSources(text);
    expect(faultsOf(text)).toEqual([]);
    const { consoles = [] } = entries[0]?.listed ?? {};
    expect(consoles.map(({ protocol, insecurePort }) => [protocol, insecurePort])).toEqual([
      ['vnc', 5900],
      [undefined, 5900],
      [undefined, 5900],
    ]);
  });

  it('may say how a source, or a console, is paced', () => {
    const text = [
      '- source: lab',
      '  type: static',
      '  pacing_mode: auto',
      '  consoles:',
      `    - {uuid: ${UUID}, hypervisor: hv1, secure_port: 5901, pacing_mode: off}`,
    ].join('\n');
    const { entries, warnings } = parseSources(text);
    expect([warnings, entries[0]?.faults]).toEqual([[], []]);
    expect(entries[0]?.definition.settings).toEqual({ pacingMode: 'auto' });
    expect(entries[0]?.listed.consoles[0]?.settings).toEqual({ pacingMode: 'off' });
  });

  it('may say what the firewall of a source, or of a console, does', () => {
    const rate = 'inputs.client_to_server.messages=500:2000';
    const text = [
      '- source: lab',
      '  type: static',
      '  firewall: {mode: off, permitted_channels: [main, display], rates: []}',
      '  consoles:',
      `    - {uuid: ${UUID}, hypervisor: hv1, secure_port: 5901, firewall: {mode: warn, rates: [${rate}]}}`,
    ].join('\n');
    const { entries, warnings } = parseSources(text);
    expect([warnings, entries[0]?.faults]).toEqual([[], []]);
    expect(entries[0]?.definition.settings?.firewall).toEqual({
      ...{ mode: 'off', permittedChannels: ['main', 'display'], rates: [] },
    });
    expect(entries[0]?.listed.consoles[0]?.settings).toEqual({ firewall: { mode: 'warn', rates: [rate] } });
  });

  it.each([
    ['{mode: strict}', 'firewall, mode: "strict" is unknown; give one of enforce, warn, off'],
    [
      '{permitted_channels: [main, sound]}',
      'firewall, permitted_channels: "sound" is no channel; give some of main',
    ],
    ['{permitted_channels: main}', 'firewall, permitted_channels: is a text; give a list'],
    ['{rates: [[1]]}', 'firewall, rates: holds what is no single value'],
    [
      '{rates: ["inputs.up.messages=5"]}',
      'firewall, rates: "inputs.up.messages=5" is no rate; give rates such as',
    ],
    ['{rates: ["main.client_to_server.bytes=0"]}', 'is no rate; give rates such as'],
    ['warn', 'firewall: is a text; give a record'],
  ])('in firewall: %s says what is wrong', (value, fault) => {
    const [found = '', ...others] = faultsOf(staticSource(aConsole({ firewall: value })));
    expect(others).toEqual([]);
    expect(found).toContain(fault);
  });

  it('may say how the sessions of a source, or of a console, follow a guest that is moved', () => {
    const { entries } = parseSources(
      `- source: lab\n  type: static\n  migration: {mode: seamless}\n  consoles:\n` +
        `    - {uuid: ${UUID}, hypervisor: hv1, secure_port: 5901, migration: {mode: "off"}}\n`,
    );
    expect(entries[0]?.faults).toEqual([]);
    expect(entries[0]?.definition.settings).toEqual({ migrationMode: 'seamless' });
    expect(entries[0]?.listed.consoles[0]?.settings).toEqual({ migrationMode: 'off' });
    const [fault] = faultsOf(staticSource(aConsole({ migration: '{mode: postcopy}' })));
    expect(fault).toContain('migration, mode: "postcopy" is unknown; give one of robust, seamless, off');
  });

  it('may have no sources at all', () => {
    expect(parseSources('[]\n')).toEqual({ entries: [], nameless: [], warnings: [] });
  });

  it.each(['openstack', 'ovirt', 'shakenfist', 'static'] as const)(
    'takes every key of a %s source without a warning',
    (type) => {
      const values: Record<string, string> = {
        source: 'cloud',
        type,
        url: 'https://cloud.example.com:5000/v3',
        username: 'admin',
        password: 'secret',
        consoles: '[]',
        synthesize_host_subject: 'yes',
        interface: 'public',
        spice_direct_microversion: '2.97',
        pacing_mode: 'off',
        message_screen: 'on',
        concurrent_sessions: 'share',
        firewall: '{mode: warn}',
        migration: '{mode: seamless}',
        guest_policy: '{usb: none}',
        record: 'true',
        record_projects: '[p1]',
        access: '[{groups: [helpdesk], role: open}]',
      };
      const fields = [...COMMON_KEYS, ...PLATFORMS[type].keys]
        .filter((key) => key !== 'ca_cert')
        .map((key) => `  ${key}: ${values[key] ?? 'text'}`);
      const { entries, warnings } = parseSources(`-\n${fields.join('\n')}\n`);
      expect(warnings).toEqual([]);
      expect(entries[0]?.faults).toEqual([]);
      expect(entries[0]?.type).toBe(type);
      expect(entries[0]?.definition.password).toBe('secret');
    },
  );

  it('reads numbers as text: a ticket keeps its zeros, its exponent and its sign', () => {
    for (const ticket of ['0123', '1e3', '0x1F', '+7', 'true', '1_000', '12:30']) {
      const { entries } = parseSources(staticSource(aConsole({ ticket })));
      expect(entries[0]?.listed.consoles[0]?.ticket).toBe(ticket);
    }
  });

  it('takes a console that has only an address, only a name, only one port, no ticket and no name', () => {
    const text = staticSource(
      aConsole({ name: null, hypervisor: null, secure_port: null, ticket: null }),
      aConsole({ uuid: '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5d', hypervisor_ip: '~', insecure_port: null }),
    );
    const { entries } = parseSources(text);
    expect(entries[0]?.faults).toEqual([]);
    expect(entries[0]?.listed.consoles[0]).toMatchObject({
      name: UUID,
      hypervisor: '',
      securePort: null,
      ticket: '',
    });
    expect(entries[0]?.listed.consoles[1]).toMatchObject({
      hypervisorIp: '',
      insecurePort: null,
      hostSubject: null,
    });
  });

  it("takes what the original's demo has: a host name as hypervisor_ip, a made-up uuid", () => {
    const uuid = '0d3f6a52-0000-0000-0000-00000000d3m0';
    const { entries, warnings } = parseSources(
      staticSource(
        aConsole({ uuid, hypervisor: 'spice-target', hypervisor_ip: 'spice-target' }),
        aConsole({ hypervisor_ip: '""' }),
      ),
    );
    expect(entries[0]?.faults).toEqual([]);
    expect(entries[0]?.listed.consoles[0]).toMatchObject({ uuid, hypervisorIp: 'spice-target' });
    expect(entries[0]?.listed.consoles[1]).toMatchObject({ hypervisorIp: '' });
    expect(warnings).toEqual([expect.stringContaining(`"${uuid}" is not a UUID; it is taken as it is`)]);
  });

  it('takes IPv6 addresses as hypervisor and as hypervisor_ip', () => {
    const { entries } = parseSources(
      staticSource(aConsole({ hypervisor: '2001:db8::1', hypervisor_ip: '2001:db8::2' })),
    );
    expect(entries[0]?.faults).toEqual([]);
    expect(entries[0]?.listed.consoles[0]).toMatchObject({
      hypervisor: '2001:db8::1',
      hypervisorIp: '2001:db8::2',
    });
  });

  it('takes anchors, aliases and merge keys', () => {
    const text = `- source: a
  type: static
  consoles:
    - &first
      uuid: ${UUID}
      hypervisor: hv1
      insecure_port: 5900
    - <<: *first
      uuid: 6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5d
      insecure_port: 5902
`;
    const [entry] = parseSources(text).entries;
    expect(entry?.faults).toEqual([]);
    expect(entry?.listed.consoles.map((found) => [found.hypervisor, found.insecurePort])).toEqual([
      ['hv1', 5900],
      ['hv1', 5902],
    ]);
  });
});

describe('a fault of the whole file', () => {
  it.each([
    ['- source: a\n  type: "static\n', 'line 3, column 1: something is missing'],
    ['- source: a\n\ttype: static\n', 'a tab in the indentation'],
    ['- source: a: b\n', 'line 1, column 11: a second "key: value" on one line'],
    ['- source: a\n type: static\n', 'something is missing'],
    ['- [1, 2\n', 'wrong indentation, or a bracket that is not closed'],
    ['---\n- source: a\n---\n- source: b\n', 'more than one YAML document'],
    ['source: a\n', 'line 1, column 1: the file is a record; it must be a list of sources'],
    ['hello\n', 'line 1, column 1: the file is a text'],
    ['', 'line 1, column 1: the file is empty'],
    ['# only a comment\n', 'the file is empty'],
  ])('in %j names line, column and fault', (text, fault) => {
    expect(() => parseSources(text)).toThrow(fault);
  });

  it('never quotes the file, because passwords stand in it', () => {
    for (const text of [
      '- password: "hunter2\n',
      '- password: hunter2: x\n',
      '- a: b\n  hunter2\n  c: d\n',
      '- *hunter2 x\n',
    ]) {
      let message = '';
      try {
        parseSources(text);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).toMatch(/^line \d+, column \d+: /);
      expect(message).not.toContain('hunter2');
    }
  });

  it('is a merge key that points at itself', () => {
    expect(() => parseSources('- &a\n  source: x\n  <<: *a\n')).toThrow('merge keys');
  });

  it('is text that is no UTF-8', () => {
    expect(() => decodeSources(Buffer.from([0x2d, 0x20, 0xff]))).toThrow('not UTF-8');
    expect(decodeSources(Buffer.from('\ufeff- ü'))).toBe('- ü');
  });
});

describe('a fault of one source', () => {
  it('leaves the others alone', () => {
    const text = `${staticSource(aConsole({}))}\n- source: other\n  type: vmware\n`;
    const { entries } = parseSources(text);
    expect(entries.map((entry) => [entry.definition.name, entry.faults.length])).toEqual([
      ['lab', 0],
      ['other', 1],
    ]);
    expect(entries[1]?.type).toBeNull();
    expect(entries[1]?.faults[0]).toBe(
      'line 13, column 9: source "other", type: "vmware" is unknown; give one of kubevirt, libvirt, opennebula, openstack, ovirt, proxmox, shakenfist, static',
    );
  });

  it('is a missing type, at the place where the source begins', () => {
    expect(faultsOf('- source: lab\n')).toEqual([
      'line 1, column 3: source "lab", type: is missing; give one of kubevirt, libvirt, opennebula, openstack, ovirt, proxmox, shakenfist, static',
    ]);
  });

  it.each([
    ['no consoles key', '- source: lab\n  type: static\n', 'consoles: is missing'],
    ['an empty consoles key', '- source: lab\n  type: static\n  consoles:\n', 'consoles: is missing'],
    [
      'consoles that are no list',
      '- source: lab\n  type: static\n  consoles: none\n',
      'consoles: is a text; it must be a list',
    ],
    [
      'a console that is no record',
      '- source: lab\n  type: static\n  consoles: [x]\n',
      'console 1 is not a record',
    ],
    [
      'a list as url',
      '- source: lab\n  type: static\n  consoles: []\n  url: [a]\n',
      'url: is a list; give a single value',
    ],
    [
      'a ca_cert that is a path',
      '- source: lab\n  type: static\n  consoles: []\n  ca_cert: /etc/ca.pem\n',
      'ca_cert: holds no PEM certificate',
    ],
    [
      'a ca_cert that is damaged',
      `- source: lab\n  type: static\n  consoles: []\n  ca_cert: "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"\n`,
      'ca_cert: is not a certificate that can be read',
    ],
    [
      'a ca_cert with a private key beside it',
      `- source: lab\n  type: static\n  consoles: []\n  ca_cert: |\n${indented(`${CERTIFICATE}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----`, 4)}\n`,
      'ca_cert: holds a private key, and clients are given this text; keep the certificates alone',
    ],
  ])('is %s', (_title, text, fault) => {
    const faults = faultsOf(text);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(fault);
  });

  it('is a name that stands twice: neither entry is used', () => {
    const faults = faultsOf(`${staticSource(aConsole({}))}\n${staticSource()}`);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain('source "lab" stands in the file twice');
  });

  it('without a usable name is told apart, so that no source is taken for removed', () => {
    const { entries, nameless } = parseSources(
      '- type: static\n- hello\n- source: a/b\n- source: ""\n- source: [x]\n',
    );
    expect(entries).toEqual([]);
    expect(nameless).toHaveLength(5);
    expect(nameless[0]).toBe('line 1, column 3: source 1, source: is missing; give the source a name');
    expect(nameless[2]).toContain('cannot stand in a URL');
  });
});

describe('what a source and a console say of message screens', () => {
  it('are words, also those that YAML takes for true and false', () => {
    const text = [
      '- source: lab',
      '  type: static',
      '  message_screen: on',
      '  consoles:',
      `    - {uuid: ${UUID}, hypervisor: hv1, secure_port: 5901, message_screen: off}`,
    ].join('\n');
    const { entries, warnings } = parseSources(text);
    expect([warnings, entries[0]?.faults]).toEqual([[], []]);
    expect(entries[0]?.definition.settings).toEqual({ messageScreen: 'on' });
    expect(entries[0]?.listed.consoles[0]?.settings).toEqual({ messageScreen: 'off' });
  });
});

describe('what a source and a console say of guest data', () => {
  const parsed = (source: string, console = ''): ReturnType<typeof parseSources> =>
    parseSources(
      [
        '- source: lab',
        '  type: static',
        `  guest_policy: ${source}`,
        '  consoles:',
        `    - {uuid: ${UUID}, hypervisor: hv1, secure_port: 5901${console}}`,
      ].join('\n'),
    );

  it('are the keys of the options, of which a source may have some for single projects', () => {
    const { entries, warnings } = parsed(
      '{clipboard: to-guest, view_only: off, max_monitors: 2, usb: "class:08, 046D:c52b", projects: {p1: {smartcard: no}}}',
      ', guest_policy: {usb: ["*"], file_transfer: none}',
    );
    expect([warnings, entries[0]?.faults]).toEqual([[], []]);
    expect(entries[0]?.definition.settings).toEqual({
      guestPolicy: {
        rules: { clipboard: 'to-guest', viewOnly: false, maxMonitors: 2, usb: ['class:08', '046d:c52b'] },
        projects: { p1: { smartcard: false } },
      },
    });
    expect(entries[0]?.listed.consoles[0]?.settings).toEqual({
      guestPolicy: { rules: { usb: ['*'], fileTransfer: 'none' } },
    });
  });

  it('may be nothing', () => {
    const { entries } = parsed('{}', ', guest_policy:');
    expect([entries[0]?.faults, entries[0]?.definition.settings]).toEqual([[], undefined]);
  });

  it('are told where they are odd: keys that nobody knows, and projects of a console', () => {
    const { warnings } = parsed(
      '{clip: none, projects: {p1: {clip: none}}}',
      ', guest_policy: {projects: {}}',
    );
    expect(warnings).toEqual([
      expect.stringContaining('source "lab", guest_policy: "clip" is not a field of it'),
      expect.stringContaining('source "lab", guest_policy, projects, p1: "clip" is not a field of it'),
      expect.stringContaining('guest_policy: "projects" is not a field of it'),
    ]);
  });

  it.each([
    ['none', 'guest_policy: is a text; give a record'],
    ['{clipboard: out}', 'guest_policy, clipboard: "out" is unknown; give one of none, to-guest'],
    ['{clipboard: [none]}', 'guest_policy, clipboard: is a list; give a single value'],
    ['{smartcard: perhaps}', 'guest_policy, smartcard: "perhaps" is neither true nor false'],
    ['{usb: [class:08, none]}', 'guest_policy, usb: "none" stands beside other rules'],
    ['{usb: [[1]]}', 'guest_policy, usb: holds what is no single value'],
    ['{usb: []}', 'guest_policy, usb: names no device'],
    ['{usb: {a: b}}', 'guest_policy, usb: is a record; give a single value'],
    ['{max_monitors: many}', 'guest_policy, max_monitors: "many" is no number of monitors'],
    ['{projects: p1}', 'guest_policy, projects: is a text; give a record'],
    ['{projects: {p1: none}}', 'guest_policy, projects, p1: is a text; give a record'],
    ['{projects: {p1: {usb: x}}}', 'guest_policy, projects, p1, usb: "x" is no rule'],
    [`{projects: {${'p'.repeat(256)}: {}}}`, 'is no id of a project'],
  ])('as %s are a fault that says what is wrong', (value, fault) => {
    const [found = '', ...others] = parsed(value).entries[0]?.faults ?? [];
    expect(others).toEqual([]);
    expect(found).toContain(fault);
  });

  it('are as much as a row can keep', () => {
    const projects = Array.from(
      { length: 1600 },
      (_, at) => `p${String(at)}: {clipboard: to-guest, usb: none}`,
    );
    const [fault] = parsed(`{projects: {${projects.join(', ')}}}`).entries[0]?.faults ?? [];
    expect(fault).toMatch(/guest_policy, projects: says \d+ bytes, and 60000 can be kept/);
  });

  it('may be of a project with any id', () => {
    const { entries } = parsed('{projects: {__proto__: {usb: none}}}');
    expect(Object.keys(entries[0]?.definition.settings?.guestPolicy?.projects ?? {})).toEqual(['__proto__']);
  });
});

describe('a fault of a console', () => {
  it.each([
    ['insecure_port', '0', '"0" is not a port; give a number from 1 to 65535'],
    ['insecure_port', '65536', 'is not a port'],
    ['secure_port', 'spice', 'is not a port'],
    ['secure_port', '-1', 'is not a port'],
    ['secure_port', '5900.0', 'is not a port'],
    ['uuid', 'a/b', '"a/b" is not a UUID'],
    ['uuid', 'x'.repeat(37), 'is not a UUID'],
    ['hypervisor_ip', '192.0.2.300', 'is not a host name or address'],
    ['hypervisor_ip', '192.0.2.1:5900', 'is not a host name or address'],
    ['hypervisor_ip', '"[2001:db8::1]"', 'stands in brackets; write 2001:db8::1'],
    ['hypervisor', 'hv1:5900', 'is not a host name or address'],
    ['hypervisor', '"hv 1"', 'is not a host name or address'],
    ['name', '"a\\nb"', 'holds control characters or line ends'],
    ['name', 'x'.repeat(256), 'is longer than 255 characters'],
    ['host_subject', '"CN=a\\nhost=evil"', 'holds control characters'],
    [
      'ticket',
      'x'.repeat(60),
      'is 60 bytes long; the SPICE password of a hypervisor may have at most 59 bytes',
    ],
    ['ticket', 'ü'.repeat(31), 'is 62 bytes long'],
    ['ticket', '"a\\0b"', 'holds a zero character'],
    ['pacing_mode', 'sometimes', '"sometimes" is unknown; give one of auto, on, off, or leave it out'],
    ['message_screen', 'sometimes', '"sometimes" is unknown; give one of off, on, or leave it out'],
    ['migration', 'seamless', 'is a text; give a record'],
    ['protocol', 'rdp', '"rdp" is unknown; give one of spice, vnc, or leave it out'],
    ['concurrent_sessions', 'both', '"both" is unknown; give one of auto, replace, refuse, share'],
  ])('in %s = %s names source, console, field and remedy', (field, value, fault) => {
    const faults = faultsOf(staticSource(aConsole({ [field]: value })));
    expect(faults).toHaveLength(1);
    const label = field === 'uuid' ? value : UUID;
    expect(faults[0]).toMatch(
      new RegExp(`^line \\d+, column \\d+: source "lab", console "${label}", ${field}: `),
    );
    expect(faults[0]).toContain(fault);
  });

  it('is a TLS port of a VNC server, whose TLS is on the other one', () => {
    const faults = faultsOf(staticSource(aConsole({ protocol: 'vnc' })));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(
      /console "[^"]+", secure_port: is of SPICE, and protocol is vnc; give insecure_port/,
    );
  });

  it('never shows a ticket or a password', () => {
    const secret = 'hunter2'.repeat(40);
    const faults = [
      ...faultsOf(staticSource(aConsole({ ticket: secret }))),
      ...faultsOf(`- source: lab\n  type: static\n  consoles: []\n  password: ${secret}\n`),
    ];
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toContain('hunter2');
  });

  it('is a missing address, missing ports, a missing uuid', () => {
    expect(faultsOf(staticSource(aConsole({ hypervisor: null, hypervisor_ip: null })))[0]).toContain(
      'give at least one of them',
    );
    expect(faultsOf(staticSource(aConsole({ insecure_port: null, secure_port: null })))[0]).toContain(
      'so is secure_port',
    );
    expect(faultsOf(staticSource(aConsole({ uuid: null })))[0]).toContain(
      'console "desktop", uuid: is missing',
    );
  });

  it('leaves the other consoles of its source in use, and itself as it was', () => {
    const good = aConsole({ uuid: '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5d' });
    const [entry] = parseSources(staticSource(aConsole({ secure_port: 'x' }), good)).entries;
    expect(entry?.faults).toEqual([]);
    expect(entry?.consoleFaults).toHaveLength(1);
    expect(entry?.listed.consoles.map(({ uuid }) => uuid)).toEqual(['6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5d']);
    expect(entry?.listed.unread).toEqual({ uuids: [UUID], nameless: false });
  });

  it.each([aConsole({ uuid: 'a/b' }), aConsole({ uuid: null }), '    - nonsense'])(
    'may be of any console when its uuid cannot be read',
    (bad) => {
      const [entry] = parseSources(staticSource(bad, aConsole({}))).entries;
      expect(entry?.listed.consoles).toHaveLength(1);
      expect(entry?.listed.unread).toEqual({ uuids: [], nameless: true });
    },
  );

  it('is at the line and column of the value', () => {
    const faults = faultsOf(
      staticSource(
        aConsole({}),
        aConsole({ uuid: '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5d', secure_port: 'x' }),
      ),
    );
    expect(faults[0]).toMatch(/^line 16, column 20: /);
  });
});

describe('a warning', () => {
  it('names fields that nobody reads, and fields and consoles that stand twice', () => {
    const text = `- source: lab
  type: static
  typo: 1
  consoles:
    - {uuid: ${UUID}, hypervisor: a, insecure_port: 1, insecure_port: 2, colour: red}
    - {uuid: ${UUID.toUpperCase()}, hypervisor: b, insecure_port: 3}
`;
    const { entries, warnings } = parseSources(text);
    expect(entries[0]?.faults).toEqual([]);
    expect(entries[0]?.listed.consoles.map((found) => found.hypervisor)).toEqual(['b']);
    expect(warnings).toEqual([
      'line 3, column 9: source "lab": "typo" is not a field of it and is ignored',
      expect.stringContaining(`console "${UUID}": "colour" is not a field`),
      expect.stringContaining('"insecure_port" stands twice; the last one counts'),
      expect.stringContaining('stands in the list twice; the last one counts'),
    ]);
  });
});

describe('faultText', () => {
  it('shows three faults and counts the rest', () => {
    expect(faultText(['a', 'b'])).toBe('a; b');
    expect(faultText(['a', 'b', 'c', 'd', 'e'])).toBe('a; b; c; and 2 more');
  });
});
