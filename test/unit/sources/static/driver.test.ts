// SPDX-License-Identifier: Apache-2.0
// The static driver and the registry that makes it.
import { describe, expect, it } from '@jest/globals';
import type { SourceDriver } from '../../../../src/sources/driver.js';
import { createDriver } from '../../../../src/sources/registry.js';
import { parseSources, type SourceEntry } from '../../../../src/sources/file/sources-file.js';
import { aConsole, CERTIFICATE, indented, staticSource } from '../file/sources-yaml.js';

const signal = new AbortController().signal;

const SETTINGS = { openstack: { requestTimeout: 1 } };

function onlyEntry(text: string) {
  const [entry] = parseSources(text).entries;
  if (entry === undefined) throw new Error('no entry');
  return entry;
}

function staticDriver(entry: SourceEntry): SourceDriver {
  const driver = createDriver(entry, SETTINGS);
  if (driver === null || !('discover' in driver)) throw new Error('no driver that discovers');
  return driver;
}

describe('the static driver', () => {
  const text = staticSource(aConsole({ host_subject: 'CN=hv1' })).replace(
    '  consoles:',
    `  ca_cert: |\n${indented(CERTIFICATE, 4)}\n  consoles:`,
  );

  it('discovers what the file lists, as the same array each time', async () => {
    const entry = onlyEntry(text);
    const driver = staticDriver(entry);
    expect(driver.type).toBe('static');
    expect(await driver.discover(signal)).toBe(entry.consoles);
    expect(await driver.discover(signal)).toBe(entry.consoles);
  });

  it('gives the console with the CA of its source as connect info', async () => {
    const entry = onlyEntry(text);
    const [console] = entry.consoles;
    expect(console && (await staticDriver(entry).connectInfo(console, signal))).toEqual({
      hypervisor: 'hv1.example.com',
      hypervisorIp: '192.0.2.7',
      insecurePort: 5900,
      securePort: 5901,
      ticket: 'sesame',
      caCert: entry.definition.caCert,
      hostSubject: 'CN=hv1',
    });
  });
});

describe('the registry', () => {
  it('has no driver for the platforms that this release does not serve', () => {
    for (const type of ['ovirt', 'shakenfist']) {
      expect(createDriver(onlyEntry(`- source: cloud\n  type: ${type}\n`), SETTINGS)).toBeNull();
    }
  });

  it('has no driver for a type that nobody knows', () => {
    expect(createDriver(onlyEntry('- source: cloud\n  type: vmware\n'), SETTINGS)).toBeNull();
  });
});
