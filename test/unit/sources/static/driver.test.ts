// SPDX-License-Identifier: Apache-2.0
// The static driver, as the registry makes it.
import { describe, expect, it } from '@jest/globals';
import type { Consoles } from '../../../../src/objects/console.js';
import type { SourceDriver } from '../../../../src/sources/driver.js';
import { parseSources } from '../../../../src/sources/file/sources-file.js';
import { platformOf } from '../../../../src/sources/registry.js';
import { aConsole, staticSource } from '../file/sources-yaml.js';

const SERVICES = {
  consoles: {} as Consoles,
  conf: {
    nova: { requestTimeout: 1, exchangeTimeout: 1 },
    sources: { requestTimeout: 1, discoveryTimeout: 1 },
    keystoneAuthtoken: { authUrl: '', wwwAuthenticateUri: '' },
  },
};
const signal = new AbortController().signal;

describe('the static driver', () => {
  const [entry] = parseSources(staticSource(aConsole({ host_subject: 'CN=hv1' }))).entries;
  const driver = async (): Promise<SourceDriver | undefined> =>
    entry && (await platformOf(entry.definition.type)?.loadDriver?.())?.(entry, SERVICES);

  it('discovers what the file lists, as the same object each time', async () => {
    const made = await driver();
    expect(made?.type).toBe('static');
    expect(await made?.discover?.(signal)).toBe(entry?.listed);
    expect(await made?.discover?.(signal)).toBe(entry?.listed);
  });

  it('finds a console where the records say', async () => {
    const target = { hypervisor: 'hv1' } as never;
    const made = await driver();
    expect(await made?.locate({ source: 'lab', uuid: 'u', target }, signal)).toEqual({ kind: 'recorded' });
  });
});
