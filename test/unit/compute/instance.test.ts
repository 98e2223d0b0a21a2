// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { consoleFault, portOf, readInstance, type Instance } from '../../../src/compute/instance.js';

const instance = (status: string, taskState: string | null = null): Instance => ({
  ...{ uuid: 'u', name: 'n', projectId: 'p', userId: 'x', host: 'h', status, taskState },
  ...{ flavor: { kind: 'hidden' }, imageId: null, metadata: {} },
});

describe('an instance', () => {
  it.each([
    ['ACTIVE', null, null],
    ['PAUSED', null, null],
    ['RESCUE', null, null],
    ['REBOOT', 'rebooting', null],
    ['VERIFY_RESIZE', null, null],
    ['ERROR', null, null],
    ['SHUTOFF', null, 'stopped'],
    ['SUSPENDED', null, 'stopped'],
    ['SHELVED_OFFLOADED', null, 'stopped'],
    ['BUILD', 'spawning', 'building'],
    ['MIGRATING', 'migrating', 'moving'],
    ['RESIZE', 'resize_migrating', 'moving'],
    ['SHUTOFF', 'resize_migrating', 'moving'],
    ['ACTIVE', 'deleting', 'gone'],
    ['DELETED', null, 'gone'],
    ['SOFT_DELETED', null, 'gone'],
  ])('that is %s with task %s: %s', (status, task, fault) => {
    expect(consoleFault(instance(status, task))).toBe(fault);
  });

  it.each([
    null,
    'text',
    [],
    {},
    { server: [] },
    { server: { id: 'u' } },
    { server: { id: 5, status: 'X' } },
  ])('is not read from %j', (json) => {
    expect(readInstance(json)).toBeNull();
  });

  it.each([
    [{ flavor: { extra_specs: { a: 'b' } } }, { flavor: { kind: 'embedded', extraSpecs: { a: 'b' } } }],
    [{ flavor: { id: '7', links: [] } }, { flavor: { kind: 'named', id: '7' } }],
    [{ flavor: { vcpus: 1 } }, { flavor: { kind: 'hidden' } }],
    [{ flavor: { extra_specs: [] } }, { flavor: { kind: 'hidden' } }],
    [{ flavor: {} }, { flavor: { kind: 'hidden' } }],
    [{}, { flavor: { kind: 'hidden' }, imageId: null, metadata: {} }],
    [{ image: '' }, { imageId: null }],
    [{ image: { id: 'i' } }, { imageId: 'i' }],
    [{ metadata: { a: 1 } }, { metadata: { a: 1 } }],
    [{ metadata: 'text' }, { metadata: {} }],
  ])('with %j says so', (server, said) => {
    expect(readInstance({ server: { id: 'u', status: 'ACTIVE', ...server } })).toMatchObject(said);
  });

  it('is read without what only administrators are shown', () => {
    expect(readInstance({ server: { id: 'u', status: 'ACTIVE' } })).toEqual({
      ...{ uuid: 'u', name: 'u', projectId: '', userId: '', status: 'ACTIVE', taskState: null, host: null },
      ...{ flavor: { kind: 'hidden' }, imageId: null, metadata: {} },
    });
  });
});

describe('a port', () => {
  it('is a number or a text from 1 to 65535, else none', () => {
    const given = [5900, '5901', 0, -1, 65_536, '', 'x', null, 1.5, true];
    expect(given.map((port) => portOf({ port }, 'port'))).toEqual([
      5900,
      5901,
      ...new Array<null>(8).fill(null),
    ]);
  });
});
