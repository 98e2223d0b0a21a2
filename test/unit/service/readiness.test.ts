// SPDX-License-Identifier: Apache-2.0
// Readiness: the database answers in time, and the process is not on its way out.
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { Readiness } from '../../../src/service/readiness.js';
import { DatabaseError } from '../../../src/exception.js';
import { configureLogging } from '../../../src/log.js';

describe('Readiness', () => {
  it('is ready while the database answers', async () => {
    expect(await new Readiness({ ping: () => Promise.resolve() }).fault()).toBeUndefined();
  });

  it('is not ready when the database refuses', async () => {
    const readiness = new Readiness({ ping: () => Promise.reject(new DatabaseError('gone')) });
    expect(await readiness.fault()).toBe('the database does not answer');
  });

  it('is not ready when the database takes too long', async () => {
    const readiness = new Readiness({ ping: () => new Promise(() => undefined) });
    expect(await readiness.fault()).toBe('the database does not answer');
  });

  it('asks the database once for all who ask at a time, and again for those who come later', async () => {
    const ping = jest.fn(() => Promise.resolve());
    const readiness = new Readiness({ ping });
    await Promise.all([readiness.fault(), readiness.fault(), readiness.fault()]);
    expect(ping).toHaveBeenCalledTimes(1);
    await readiness.fault();
    expect(ping).toHaveBeenCalledTimes(2);
  });

  it('says once that the database is away, and once that it is back', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'kerbside-readiness-')), 'log');
    configureLogging({ debug: false, useJson: false, file });
    let away = true;
    const ping = (): Promise<void> => (away ? Promise.reject(new DatabaseError('gone')) : Promise.resolve());
    const readiness = new Readiness({ ping });
    await readiness.fault();
    await readiness.fault();
    away = false;
    await readiness.fault();
    await readiness.fault();
    configureLogging({ debug: false, useJson: false, file: '' });
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines.map((line) => line.replace(/^.*\[-\] /, ''))).toEqual([
      'the database does not answer fault=gone',
      'the database answers again',
    ]);
  });

  it('is not ready while something else that it needs is missing', async () => {
    const ping = jest.fn(() => Promise.resolve());
    const readiness = new Readiness({ ping });
    let missing: string | undefined = 'no relay worker listens';
    readiness.require(() => undefined);
    readiness.require(() => missing);
    expect(await readiness.fault()).toBe('no relay worker listens');
    expect(ping).not.toHaveBeenCalled();
    missing = undefined;
    expect(await readiness.fault()).toBeUndefined();
  });

  it('does not ask the database once it shuts down', async () => {
    const ping = jest.fn(() => Promise.resolve());
    const readiness = new Readiness({ ping });
    readiness.setDraining();
    expect(await readiness.fault()).toBe('this service is shutting down');
    expect(ping).not.toHaveBeenCalled();
  });
});
