// SPDX-License-Identifier: Apache-2.0
// The order in which a process lives: heartbeat, parts, drain, close, sign-off; and what faults of one part leave alone.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { loadConf } from '../../../src/conf/index.js';
import { DatabaseError } from '../../../src/exception.js';
import { ServiceLife, type LifeHeartbeat, type RunningPart } from '../../../src/service/life.js';

let told: string[];
beforeEach(() => {
  told = [];
});

const never = (): Promise<never> => new Promise(() => undefined);

const heartbeat: LifeHeartbeat = {
  start: () => {
    told.push('heartbeat');
    return Promise.resolve();
  },
  setDraining: () => void told.push('heartbeat drains'),
  stop: () => {
    told.push('sign-off');
    return Promise.resolve();
  },
};

function aPart(name: string, change: Partial<RunningPart> = {}): RunningPart {
  return {
    setDraining: () => void told.push(`${name} is draining`),
    drain: () => {
      told.push(`${name} drains`);
      return Promise.resolve();
    },
    close: () => {
      told.push(`${name} closes`);
      return Promise.resolve();
    },
    ...change,
  };
}

async function aLife(...parts: RunningPart[]): Promise<ServiceLife> {
  const life = new ServiceLife(60_000);
  await life.begin(heartbeat);
  for (const part of parts) life.adopt(part);
  return life;
}

describe('the life of a process', () => {
  it('tells balancers before it drains, closes what has drained, and signs off last', async () => {
    const life = await aLife(aPart('a'), aPart('b'));
    await life.drain();
    await life.close();
    expect(told).toEqual([
      ...['heartbeat', 'heartbeat drains', 'a is draining', 'b is draining', 'a drains', 'b drains'],
      ...['a closes', 'b closes', 'sign-off'],
    ]);
  });

  it('drains its parts at the same time, and goes on when all have drained', async () => {
    let end: () => void = () => undefined;
    const slow = aPart('slow', { drain: () => new Promise((resolve) => (end = resolve)) });
    const life = await aLife(slow, aPart('quick'));
    const drained = life.drain().then(() => told.push('drained'));
    await Promise.resolve();
    expect(told).toContain('quick drains');
    expect(told).not.toContain('drained');
    end();
    await drained;
  });

  it('stops draining when it is told to hurry', async () => {
    const life = await aLife(aPart('hanging', { drain: never }));
    const draining = life.drain();
    life.cutDrain();
    await draining;
    await life.drained();
  });

  it('does not begin to drain when it has been told to hurry before', async () => {
    const life = await aLife(aPart('a'));
    life.cutDrain();
    await life.drain();
    expect(told).toEqual(['heartbeat']);
  });

  it('cuts the draining short when its time is up', async () => {
    const life = new ServiceLife(1);
    life.adopt(aPart('hanging', { drain: never }));
    await life.drain();
    await life.drained();
  });

  it('closes every part and signs off when one of them fails', async () => {
    const failing = aPart('failing', {
      close: () => Promise.reject(new DatabaseError('the database is away')),
    });
    const life = await aLife(failing, aPart('b'));
    await life.close();
    expect(told).toEqual(['heartbeat', 'b closes', 'sign-off']);
  });

  it('begins to close every part when one of them hangs', async () => {
    const life = await aLife(aPart('hanging', { close: never }), aPart('b'));
    void life.close();
    await Promise.resolve();
    expect(told).toEqual(['heartbeat', 'b closes']);
  });

  it('closes once, however often it is asked to', async () => {
    const life = await aLife(aPart('a'));
    await Promise.all([life.close(), life.close()]);
    await life.close();
    expect(told).toEqual(['heartbeat', 'a closes', 'sign-off']);
  });

  it('signs off nowhere when its heartbeat never began, and closes what had started', async () => {
    const life = new ServiceLife(60_000);
    await expect(
      life.begin({ ...heartbeat, start: () => Promise.reject(new DatabaseError('refused')) }),
    ).rejects.toThrow('refused');
    life.adopt(aPart('a'));
    await life.close();
    expect(told).toEqual(['a closes']);
  });

  it('reports what it is told to and what its parts say, together', async () => {
    const life = await aLife(aPart('a', { report: () => ({ channels: 2 }) }), aPart('b'));
    life.addReport(() => ({ messaging: 'off' }));
    expect(life.report()).toEqual({ messaging: 'off', channels: 2 });
  });

  it('asks all parts to make the records true again, and fails when one cannot', async () => {
    const away = aPart('away', { recovered: () => Promise.reject(new DatabaseError('away again')) });
    const life = await aLife(aPart('a'), away);
    await expect(life.recovered()).rejects.toThrow('away again');
  });

  it('reloads the parts that can be, with the configuration as it is now', async () => {
    const { conf } = loadConf({ configFiles: [], configDirs: [] }, { OS_FIREWALL__MODE: 'warn' });
    const reload: RunningPart['reload'] = ({ firewall }) => void told.push(`a reloads: ${firewall.mode}`);
    const life = await aLife(aPart('a', { reload }), aPart('b'));
    life.reload(conf);
    expect(told).toContain('a reloads: warn');
  });
});
