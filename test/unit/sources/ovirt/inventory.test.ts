// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  consoleOf,
  readGuest,
  readGuests,
  readHosts,
  statusFault,
} from '../../../../src/sources/ovirt/inventory.js';
import { readTicket } from '../../../../src/sources/ovirt/ticket.js';
import { cloudCapture } from '../../../fixtures/cloud-captures.js';

const ID = '5d6810b9-cef5-4c88-9406-b4c11e830de1';
const HOST = '8d4e0fd2-5a4f-4bd4-8f4a-3a5bb0d7b1f0';
const ITEM = {
  ...{ id: ID, name: 'desk', status: 'up', host: { id: HOST } },
  display: {
    type: 'spice',
    address: '192.0.2.11',
    port: '5900',
    secure_port: '5901',
    proxy: 'http://proxy:3128',
  },
};
const GUEST = {
  ...{ id: ID, name: 'desk', status: 'up', host: HOST, address: '192.0.2.11', port: 5900, securePort: 5901 },
  proxy: { kind: 'connect_proxy', host: 'proxy', port: 3128 } as const,
};

describe('guests', () => {
  it('are read, numbers as text or not', () => {
    expect(readGuest(ITEM)).toEqual(GUEST);
    const display = { ...ITEM.display, port: 5900, secure_port: 5901 };
    expect(readGuest({ ...ITEM, display })).toEqual(GUEST);
  });

  it.each([
    [{ port: undefined }, { port: null }],
    [{ port: '-1' }, { port: null }],
    [{ address: '::' }, { address: null }],
    [{ address: undefined }, { address: null }],
    [{ address: '2001:db8::1' }, { address: '2001:db8::1' }],
    [{ proxy: undefined }, { proxy: null }],
  ])('with a display of %j have %j', (change, expected) => {
    expect(readGuest({ ...ITEM, display: { ...ITEM.display, ...change } })).toMatchObject(expected);
  });

  it.each([
    [{ display: { type: 'vnc' } }, 'other'],
    [{ display: undefined }, 'other'],
    [{ display: { ...ITEM.display, address: 'a b' } }, null],
    [{ display: { ...ITEM.display, proxy: `http://${'x'.repeat(255)}` } }, null],
    [{ display: { ...ITEM.display, proxy: 'https://proxy:3128' } }, null],
    [{ status: undefined }, null],
    [{ status: 'x'.repeat(65) }, null],
    [{ id: '../hosts' }, null],
  ])('with %j are %j', (change, expected) => {
    expect(readGuest({ ...ITEM, ...change })).toBe(expected);
  });

  it('that cannot be read are named where they have an id, and listed all the same', () => {
    const vnc = { ...ITEM, id: HOST, display: { type: 'vnc' } };
    expect(readGuests([ITEM, vnc, { ...ITEM, status: 7 }, { id: 7 }, null])).toEqual({
      ...{ guests: [GUEST], listed: new Set([ID, HOST]), unread: [ID], nameless: true },
    });
  });

  it.each([
    ['up', null],
    ['paused', null],
    ['powering_up', null],
    ['powering_down', null],
    ['reboot_in_progress', null],
    ['migrating', 'moving'],
    ['wait_for_launch', 'building'],
    ['unknown', 'unknown'],
    ['down', 'stopped'],
    ['saving_state', 'stopped'],
    ['anything', 'stopped'],
  ])('that are %s have a console, or not: %j', (status, fault) => {
    expect(statusFault(status)).toBe(fault);
  });
});

describe('hosts', () => {
  it('are found by id, with the subject of their certificate', () => {
    const host = { id: HOST, address: 'host-1', certificate: { subject: 'O=Lab,CN=host-1' } };
    const odd = [{ ...host, id: 7 }, { ...host, address: 'a b' }, { id: ID, address: 'host-2' }, null];
    expect(Object.fromEntries(readHosts([host, ...odd]))).toEqual({
      [HOST]: { address: 'host-1', subject: 'O=Lab,CN=host-1' },
      [ID]: { address: 'host-2', subject: null },
    });
  });
});

describe('the console of a guest', () => {
  it('is at its display, or at its host, and is none without a port', () => {
    const host = { address: 'host-1', subject: 'O=Lab,CN=host-1' };
    expect(consoleOf(GUEST, host)).toMatchObject({
      hypervisor: 'host-1',
      hypervisorIp: '192.0.2.11',
      ticket: '',
    });
    expect(consoleOf({ ...GUEST, address: null }, host)).toMatchObject({ hypervisorIp: 'host-1' });
    expect(consoleOf({ ...GUEST, port: null, securePort: null }, host)).toBeNull();
  });
});

describe('a ticket', () => {
  const recorded = cloudCapture('ovirt/answers-from-source.json') as Record<string, Record<string, unknown>>;
  const answer = recorded['POST …/graphicsconsoles/7370696365/ticket']?.['200'];

  it('is read as the engine gives it, and lasts no longer than was asked for', () => {
    expect(readTicket(answer, 120)).toEqual({ kind: 'made', value: '<OTP>', validFor: 120 });
    const ticket = (expiry: unknown) => readTicket({ ticket: { value: 'x', expiry } }, 120)?.validFor;
    expect([ticket('60'), ticket(7200), ticket(undefined), ticket('soon'), ticket(-1)]).toEqual([
      60, 120, 120, 120, 120,
    ]);
  });

  it.each([
    [null],
    [{}],
    [{ ticket: {} }],
    [{ ticket: { value: '' } }],
    [{ ticket: { value: 'x'.repeat(60) } }],
  ])('is none in %j', (json) => {
    expect(readTicket(json, 120)).toBeNull();
  });
});
