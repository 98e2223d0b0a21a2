// SPDX-License-Identifier: Apache-2.0
// Virtual machines in the words of OpenNebula, one oddity each.
import { describe, expect, it } from '@jest/globals';
import {
  consoleOf,
  guestFault,
  readPool,
  readVm,
  type Guest,
} from '../../../../src/sources/opennebula/inventory.js';

const vm = (parts: Record<string, string> = {}): string => {
  const all = {
    ...{ ID: '7', NAME: 'desk', STATE: '3', LCM_STATE: '3' },
    TEMPLATE: '<GRAPHICS><PORT>5907</PORT><TYPE><![CDATA[SPICE]]></TYPE></GRAPHICS>',
    HISTORY_RECORDS: '<HISTORY><SEQ>0</SEQ><HOSTNAME><![CDATA[hyp1]]></HOSTNAME></HISTORY>',
    ...parts,
  };
  return `<VM>${Object.entries(all)
    .map(([name, text]) => `<${name}>${text}</${name}>`)
    .join('')}</VM>`;
};
const guest = (parts: Record<string, string> = {}): Guest => {
  const read = readVm(vm(parts));
  if (read === null || read === 'other') throw new Error(`it is ${String(read)}`);
  return read;
};

describe('a virtual machine', () => {
  it('is on the host of its last record, in whatever order they come, written either way', () => {
    const record = (seq: number, host: string): string =>
      `<HISTORY><SEQ>${String(seq)}</SEQ><HOSTNAME>${host}</HOSTNAME></HISTORY>`;
    const records = record(1, 'hyp2') + record(2, '<![CDATA[hyp3]]>') + record(0, 'hyp1');
    expect(guest({ HISTORY_RECORDS: records }).host).toBe('hyp3');
  });

  it('has the SPICE one of several displays', () => {
    const display = (type: string, port: number): string =>
      `<GRAPHICS><PORT>${String(port)}</PORT><TYPE>${type}</TYPE></GRAPHICS>`;
    expect(guest({ TEMPLATE: display('VNC', 1) + display('spice', 2) }).port).toBe(2);
    expect(readVm(vm({ TEMPLATE: display('vnc', 1) }))).toBe('other');
    expect(readVm(vm({ TEMPLATE: '' }))).toBe('other');
  });

  it('without a host or a port has no console yet', () => {
    const addresses = new Map<string, string>();
    expect(consoleOf(guest(), addresses)).toMatchObject({
      uuid: '7',
      hypervisor: 'hyp1',
      insecurePort: 5907,
    });
    expect(consoleOf(guest({ HISTORY_RECORDS: '' }), addresses)).toBeNull();
    expect(consoleOf(guest({ TEMPLATE: '<GRAPHICS><TYPE>SPICE</TYPE></GRAPHICS>' }), addresses)).toBeNull();
  });

  it.each([{ STATE: 'x' }, { LCM_STATE: '' }, { ID: '-1' }, { ID: '99999999999' }])(
    'cannot be read with %j',
    (parts) => {
      expect(readVm(vm(parts))).toBeNull();
    },
  );

  it('has its group as a tag, where that is told and access can name it', () => {
    const tagsOf = (parts: Record<string, string>) => consoleOf(guest(parts), new Map())?.tags;
    expect(tagsOf({ GNAME: 'desk' })).toEqual(['group:desk']);
    expect(tagsOf({})).toEqual([]);
    expect(tagsOf({ GNAME: '<![CDATA[a\nb]]>' })).toEqual([]);
  });

  it('is called by its number when it has no name', () => {
    expect(guest({ NAME: '' }).name).toBe('VM 7');
  });

  it.each([
    [3, 3, null],
    [3, 17, null],
    [3, 4, 'moving'],
    [3, 8, 'moving'],
    [3, 16, 'unknown'],
    [3, 2, 'building'],
    [3, 12, 'stopped'],
    [3, 99, 'stopped'],
    [8, 0, 'stopped'],
    [10, 0, 'building'],
    [6, 0, 'gone'],
  ])('in state %d, step %d: %s', (state, step, fault) => {
    expect(guestFault({ state, step })).toBe(fault);
  });
});

describe('a pool', () => {
  it('has its virtual machines, those that cannot be read by their ids', () => {
    const text = `<VM_POOL>${vm()}${vm({ ID: '8', STATE: '' })}${vm({ ID: '9', TEMPLATE: '' })}${vm({ ID: '' })}</VM_POOL>`;
    expect(readPool(text)).toMatchObject({
      ...{ guests: [{ id: 7 }], listed: [7, 8, 9], unread: [8], nameless: true },
    });
  });

  it.each(['', '<VM_POOL>', '<VM_POOL/><VM_POOL/>', '<VM></VM>', 'text'])('is not %j', (text) => {
    expect(readPool(text)).toBeNull();
  });

  it('may be empty', () => {
    expect(readPool('<VM_POOL></VM_POOL>')).toEqual({ guests: [], listed: [], unread: [], nameless: false });
  });
});
