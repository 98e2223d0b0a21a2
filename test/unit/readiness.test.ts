// SPDX-License-Identifier: Apache-2.0
// Readiness: the database answers in time, and the process is not on its way out.
import { describe, expect, it, jest } from '@jest/globals';
import { Readiness } from '../../src/readiness.js';
import { DatabaseError } from '../../src/exception.js';

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

  it('does not ask the database once it shuts down', async () => {
    const ping = jest.fn(() => Promise.resolve());
    const readiness = new Readiness({ ping });
    readiness.setDraining();
    expect(await readiness.fault()).toBe('this service is shutting down');
    expect(ping).not.toHaveBeenCalled();
  });
});
