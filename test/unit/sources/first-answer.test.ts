// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Unavailable } from '../../../src/exception.js';
import { InstanceNotReady } from '../../../src/objects/instance-fault.js';
import type { SourceDriver } from '../../../src/sources/driver.js';
import { firstAnswer, type FirstAnswer } from '../../../src/sources/first-answer.js';

type Answer = (signal: AbortSignal) => Promise<string | null>;

/** What was logged, source by source. */
let logged: unknown[] = [];

/** Asks sources that answer as told; `Error`: such a source has no driver. */
function ask(answers: Readonly<Record<string, Answer | Error>>, timeout = 60): Promise<FirstAnswer<string>> {
  logged = [];
  const byDriver = new Map<SourceDriver, Answer>();
  const sources = Object.entries(answers).map(([name, answer]) => {
    if (answer instanceof Error) return { name, driver: answer, knowsUsers: false };
    const driver: SourceDriver = { type: 'scripted', locate: () => Promise.resolve({ kind: 'recorded' }) };
    byDriver.set(driver, answer);
    return { name, driver, knowsUsers: false };
  });
  const log = { warning: (_message: string, fields: unknown): void => void logged.push(fields) };
  return firstAnswer(sources, timeout, log, (driver, signal) => {
    const answer = byDriver.get(driver);
    return answer === undefined ? Promise.resolve(null) : answer(signal);
  });
}

const never: Answer = () => new Promise(() => undefined);
const nothing: Answer = () => Promise.resolve(null);

describe('one question to many sources', () => {
  it('is answered by the first that knows, and the others are called off', async () => {
    let calledOff = false;
    const slow: Answer = (signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          calledOff = true;
          resolve(null);
        });
      });
    const answer = await ask({ slow, none: nothing, quick: () => Promise.resolve('here') });
    expect(answer).toEqual({ kind: 'found', source: 'quick', value: 'here' });
    expect(calledOff).toBe(true);
    expect(logged).toEqual([]);
  });

  it('waits for nobody that ignores being called off', async () => {
    const answer = await ask({ never, quick: () => Promise.resolve('here') });
    expect(answer).toMatchObject({ kind: 'found', source: 'quick' });
  });

  it('is unknown when all say so, and nothing is logged', async () => {
    expect(await ask({ one: nothing, other: nothing })).toEqual({ kind: 'unknown', faults: [] });
    expect(await ask({})).toEqual({ kind: 'unknown', faults: [] });
    expect(logged).toEqual([]);
  });

  it('names those that could not say', async () => {
    const away = new Unavailable('away');
    const broken = new Error('no driver');
    const answer = await ask({ away: () => Promise.reject(away), broken, none: nothing });
    expect(answer).toEqual({ kind: 'unknown', faults: expect.arrayContaining([away, broken]) });
    expect(logged).toEqual(
      expect.arrayContaining([
        { source: 'away', fault: 'away' },
        { source: 'broken', fault: 'no driver' },
      ]),
    );
  });

  it('takes a machine that is not ready for an answer', async () => {
    const fault = new InstanceNotReady('building');
    expect(await ask({ never, one: () => Promise.reject(fault) })).toEqual({ kind: 'not_ready', fault });
  });

  it('ends with its deadline, whoever is silent', async () => {
    const answer = await ask({ never, none: nothing }, 0.001);
    expect(answer).toEqual({ kind: 'unknown', faults: [new Unavailable('no answer in time')] });
  });
});
