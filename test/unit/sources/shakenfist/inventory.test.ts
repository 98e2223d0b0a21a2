// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  consoleOf,
  namedNode,
  readConsoleFile,
  readInstance,
  readInstances,
  readNodes,
  stateFault,
} from '../../../../src/sources/shakenfist/inventory.js';
import { cloudCapture } from '../../../fixtures/cloud-captures.js';

const ANSWERS = cloudCapture('shakenfist/answers-from-source.json');
const [RECORDED] = ANSWERS['GET /instances (kept fields)'] as Record<string, unknown>[];
const UUID = '5d6810b9-cef5-4c88-9406-b4c11e830de1';
const NODE = { host: 'sf-1', ip: '192.0.2.1', subject: null };

describe('instances', () => {
  it('are read as the cluster lists them', () => {
    const instance = {
      ...{ uuid: UUID, name: 'desk-1', namespace: 'desk', state: 'created', node: 'sf-1' },
      ...{ port: 42281, tlsPort: 43197 },
    };
    const listing = { instances: [instance], unread: [], nameless: false, listed: 1 };
    expect(readInstances([RECORDED])).toEqual(listing);
    expect(readInstances([])).toEqual({ ...listing, instances: [], listed: 0 });
  });

  it.each([
    [{ vdi_port: '42281' }, { port: 42281 }],
    [{ vdi_port: null }, { port: null }],
    [{ vdi_port: 0 }, { port: null }],
    [{ vdi_port: 65_536 }, { port: null }],
    [{ vdi_port: 5900.5 }, { port: null }],
    [{ name: null }, { name: UUID }],
    [{ namespace: undefined }, { namespace: '' }],
    [{ node: null }, { node: null }],
  ])('with %j are read as %j', (change, expected) => {
    expect(readInstance({ ...RECORDED, ...change })).toMatchObject(expected);
  });

  it.each([
    [{ video: { vdi: 'vnc' } }, 'other'],
    [{ video: { vdi: null } }, 'other'],
    [{ video: {} }, 'other'],
    [{ video: null }, null],
    [{ video: 'spice' }, null],
    [{ state: null }, null],
    [{ state: 'x'.repeat(65) }, null],
    [{ node: 'n'.repeat(256) }, null],
    [{ uuid: '../x' }, null],
    [{ uuid: 7 }, null],
  ])('with %j are %j', (change, expected) => {
    expect(readInstance({ ...RECORDED, ...change })).toBe(expected);
  });

  it.each([[null], ['text'], [7], [[]]])('are nothing else: %j', (item) => {
    expect(readInstance(item)).toBeNull();
  });

  it.each([[null], [{}], ['[]'], [{ error: 'unauthorized', status: 401 }]])(
    'are no listing in %j',
    (json) => {
      expect(readInstances(json)).toBeNull();
    },
  );

  it('that cannot be read are named where they have a name', () => {
    const broken = { ...RECORDED, video: null };
    expect(readInstances([broken, RECORDED])).toMatchObject({ unread: [UUID], nameless: false, listed: 2 });
    expect(readInstances([{ ...broken, uuid: null }])).toMatchObject({ unread: [], nameless: true });
  });

  it.each([
    ['created', null],
    ['initial', 'building'],
    ['preflight', 'building'],
    ['creating', 'building'],
    ['deleted', 'gone'],
    ['delete-wait', 'gone'],
    ['error', 'stopped'],
    ['created-error', 'stopped'],
  ])('of state %s have a console, or not: %j', (state, fault) => {
    expect(stateFault(state)).toBe(fault);
  });
});

describe('nodes', () => {
  it('are found by UUID and by name', () => {
    const nodes = readNodes([
      { uuid: 'u1', name: 'sf-1', fqdn: 'sf-1', ip: '192.0.2.1', spice_server_cert_subject: 'CN=sf-1' },
      { name: 'sf-2', ip: '2001:db8::2' },
      { name: 'sf-3', ip: 'not an address' },
    ]);
    const first = { host: 'sf-1', ip: '192.0.2.1', subject: 'CN=sf-1' };
    expect(Object.fromEntries(nodes ?? [])).toEqual({
      u1: first,
      'sf-1': first,
      'sf-2': { host: 'sf-2', ip: '2001:db8::2', subject: null },
      'sf-3': { host: 'sf-3', ip: '', subject: null },
    });
  });

  it('that cannot be dialled, or that pin too much, are left out', () => {
    const long = { name: 'sf-2', ip: '192.0.2.2', spice_server_cert_subject: 'C'.repeat(1025) };
    expect(readNodes([{ name: 'a b' }, { ip: '192.0.2.1' }, null, long])?.size).toBe(0);
    expect(readNodes({ nodes: [] })).toBeNull();
  });

  it.each([
    [
      '[virt-viewer]\nhost=192.0.2.1\nhost-subject=C=US,CN=sf-1\n',
      { host: '192.0.2.1', ip: '192.0.2.1', subject: 'C=US,CN=sf-1' },
    ],
    ['[virt-viewer]\r\nhost=sf-3\r\n', { host: 'sf-3', ip: '', subject: null }],
    ['[virt-viewer]\nhost=8d4e0fd2-5a4f-4bd4-8f4a-3a5bb0d7b1f0\n', null],
    ['[virt-viewer]\nhost=\n', null],
    ['[virt-viewer]\nport=5900\n', null],
    [`[virt-viewer]\nhost=sf-3\nhost-subject=${'C'.repeat(1025)}\n`, null],
  ])('are read from a .vv file %j', (text, node) => {
    expect(readConsoleFile(text)).toEqual(node);
  });

  it('have a name that can be dialled, or a UUID', () => {
    expect(namedNode('sf-3')).toEqual({ host: 'sf-3', ip: '', subject: null });
    expect(namedNode('8d4e0fd2-5a4f-4bd4-8f4a-3a5bb0d7b1f0')).toBeNull();
  });
});

describe('the console of an instance', () => {
  const instance = {
    ...{ uuid: UUID, name: 'desk', namespace: 'blue', state: 'created', node: 'sf-1', port: 1, tlsPort: 2 },
  };

  it('is called by its namespace too, and has no ticket', () => {
    expect(consoleOf(instance, NODE, false)).toEqual({
      ...{ uuid: UUID, name: 'desk.blue', hypervisor: 'sf-1', hypervisorIp: '192.0.2.1' },
      ...{ insecurePort: 1, securePort: 2, hostSubject: null, ticket: '', instanceState: 'created' },
      tags: ['namespace:blue'],
    });
    expect(consoleOf({ ...instance, namespace: '' }, NODE, false)).toMatchObject({ name: 'desk', tags: [] });
  });

  it('has no tag of a namespace whose name is too long: cut, it would be that of another one', () => {
    const tagsOf = (namespace: string) => consoleOf({ ...instance, namespace }, NODE, false)?.tags;
    const longest = 'n'.repeat(255 - 'namespace:'.length);
    expect(tagsOf(longest)).toEqual([`namespace:${longest}`]);
    expect([tagsOf(`${longest}a`), tagsOf(`${longest}b`)]).toEqual([[], []]);
    expect(tagsOf('blue\nred')).toEqual([]);
  });

  it('pins what the node publishes, else its name where that is wanted, never an address', () => {
    const pin = (node: typeof NODE | (typeof NODE & { subject: string }), synthesize: boolean) =>
      consoleOf(instance, node, synthesize)?.hostSubject;
    expect(pin(NODE, true)).toBe('CN=sf-1');
    expect(pin({ ...NODE, subject: 'CN=x' as never }, true)).toBe('CN=x');
    expect(pin({ ...NODE, host: '192.0.2.1' }, true)).toBeNull();
  });

  it('is none without a port', () => {
    expect(consoleOf({ ...instance, port: null, tlsPort: null }, NODE, false)).toBeNull();
  });
});
