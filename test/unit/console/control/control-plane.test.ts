// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, jest } from '@jest/globals';
import type { CloseReason } from '../../../../src/close-reason.js';
import type { Grant } from '../../../../src/console/ipc.js';
import { DatabaseError } from '../../../../src/exception.js';
import type { FanoutMessage } from '../../../../src/messaging/fanout.js';
import { ChannelInDoubt } from '../../../../src/objects/channel-types.js';
import type { ConnectInfo } from '../../../../src/objects/connect-info.js';
import type { DenialReason } from '../../../../src/objects/console-session-state.js';
import type { Location } from '../../../../src/sources/driver.js';

import { aGate, CLOSED, OWNER, Scene, WORKER } from '../../../fixtures/control-plane.js';
import { ManualTimers } from '../../../fixtures/manual-timers.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';

describe('a refusal', () => {
  it.each<[DenialReason, string]>([
    ['token_unknown', 'token'],
    ['token_expired', 'token'],
    ['token_terminated', 'token'],
    ['token_in_use', 'token'],
    ['token_replaced', 'token'],
    ['console_in_use', 'token'],
    ['main_required', 'connection_id'],
    ['bad_connection_id', 'connection_id'],
    ['console_gone', 'channel'],
    ['source_gone', 'channel'],
  ])('%s is told as %s, counted and recorded', async (reason, because) => {
    const scene = new Scene();
    scene.denial = reason;
    const known = reason === 'token_unknown' ? {} : { sessionId: 's' };
    expect(await scene.authorize(1)).toEqual({ kind: 'denied', because, reason, ...known });
    expect(await scene.metrics.text()).toContain('kerbside_proxy_denied_total 1');
    expect(scene.audit).toMatchObject([
      reason === 'token_unknown'
        ? { source: '', uuid: '', client_ip: '192.0.2.9' }
        : { ...{ source: 'lab', uuid: 'u', session_id: 's' }, issued_to: 'ann', client_ip: '192.0.2.9' },
    ]);
    expect(scene.messages()).toEqual([
      because === 'channel' ? 'Invalid console requested' : `Channel refused: ${reason.replaceAll('_', ' ')}`,
    ]);
    expect(JSON.stringify(scene.audit)).not.toContain('a token');
  });

  it('of a channel type that is not permitted is recorded in the original words, and its row is closed', async () => {
    const scene = new Scene({ permittedChannels: ['main', 'display'] });
    expect(await scene.authorize(9)).toMatchObject({ kind: 'denied', because: 'channel' });
    await scene.plane.settle();
    expect([scene.closed, scene.plane.registry.size]).toEqual([['ref1'], 0]);
    expect(scene.messages()).toEqual(['Channel type not permitted by firewall policy']);
    expect(await scene.authorize(2)).toMatchObject({ kind: 'granted' });
  });

  it('of an address over its limit asks no database', async () => {
    const scene = new Scene({ maxConnectionsPerAddress: 2 });
    await scene.authorize(1);
    await scene.authorize(2);
    expect(await scene.authorize(2)).toEqual({ kind: 'denied', because: 'limit', reason: 'limit_address' });
    expect(scene.plane.registry.size).toBe(2);
  });
});

describe('the main channel of an instance', () => {
  const located = (location: () => Promise<Location>) => {
    const scene = new Scene();
    scene.platform = 'openstack';
    scene.location = location;
    return scene;
  };
  const fresh = { hypervisor: 'fresh', ticket: 't' } as ConnectInfo;

  it('leads where Nova says that the instance is now, and must show its UUID', async () => {
    const scene = located(() => Promise.resolve({ kind: 'confirmed', target: fresh }));
    expect(await scene.authorize(1)).toMatchObject({
      target: { hypervisor: 'fresh' },
      expectedInstanceUuid: 'u',
    });
    expect(await scene.authorize(2)).toMatchObject({
      target: { hypervisor: 'hv' },
      expectedInstanceUuid: 'u',
    });
    expect(scene.located).toEqual(['lab/u']);
    expect(await scene.metrics.text()).toContain('instance_looks_total{outcome="true"} 1');
  });

  it('leads where it was last known to be while Nova does not answer, and that is recorded', async () => {
    const scene = located(() => Promise.resolve({ kind: 'unconfirmed', why: 'away' }));
    expect(await scene.authorize(1)).toMatchObject({
      target: { hypervisor: 'hv' },
      expectedInstanceUuid: 'u',
    });
    expect(scene.messages()[0]).toMatch(/The cloud could not be asked/);
  });

  it.each(['gone', 'stopped', 'moving', 'building', 'stale'] as const)(
    'is refused when the instance is %s: told, recorded, counted, and given back',
    async (why) => {
      const scene = located(() => Promise.resolve({ kind: 'denied', why }));
      expect(await scene.authorize(1)).toEqual({
        ...{ kind: 'denied', because: 'error', reason: `instance_${why}`, sessionId: 's' },
      });
      await scene.plane.settle();
      expect([scene.closed, scene.plane.registry.size]).toEqual([['ref1'], 0]);
      expect(scene.messages()).toEqual([expect.stringMatching(/^Channel refused: the instance /)]);
      expect(await scene.metrics.text()).toContain(`instance_looks_total{outcome="${why}"} 1`);
    },
  );

  it('is given back when the database fails meanwhile', async () => {
    const failing = located(() => Promise.reject(new Error('away')));
    await expect(failing.authorize(1)).rejects.toThrow('away');
    await failing.plane.settle();
    expect(failing.closed).toEqual(['ref1']);
  });

  it.each([
    ['wrong guest', 'mismatch', /another machine/],
    ['guest not identified', 'missing', /did not tell whose screen/],
  ] as const)('that ends because of a %s is recorded and counted', async (reason, label, message) => {
    const scene = located(() => Promise.resolve({ kind: 'confirmed', target: fresh }));
    await scene.authorize(1);
    scene.plane.note({ op: 'closed', connectionRef: 'ref1', reason, ...CLOSED }, 1);
    expect(scene.messages()).toContainEqual(expect.stringMatching(message));
    expect(await scene.metrics.text()).toContain(`wrong_guests_total{reason="${label}"} 1`);
  });
});

describe('a channel', () => {
  it('is recorded from its leave to its end, once', async () => {
    const scene = new Scene();
    const grant = (await scene.authorize(2)) as Grant;
    expect(grant.target.transport).toBeNull();
    const { connectionRef } = grant;
    scene.plane.note({ op: 'linked', connectionRef, tls: true, backendTime: 0.1 }, 1);
    const note = { op: 'closed', connectionRef, reason: 'client closed', ...CLOSED } as const;
    scene.plane.note(note, 1);
    scene.plane.note(note, 1);
    await scene.plane.settle();
    expect(scene.closed).toEqual([connectionRef]);
    expect(scene.messages()).toEqual([
      'Channel created',
      'Hypervisor connection successful',
      'Channel closed: client closed after 1.3 s, 5 bytes up, 6 bytes down',
    ]);
    expect(scene.audit[0]).toMatchObject({ session_id: 's', channel: 'display', node: 'node1', pid: 101 });
    for (const event of scene.audit)
      expect(event).toMatchObject({ issued_to: OWNER.issuedTo, client_ip: '192.0.2.9' });
    expect(scene.ordered).toHaveLength(0);
  });

  it('that is main takes the session with it, on every worker that carries a part of it', async () => {
    const scene = new Scene();
    const main = (await scene.authorize(1)) as Grant;
    await scene.authorize(2);
    await scene.authorize(3, { id: 2, pid: 102 });
    const { connectionRef } = main;
    scene.plane.note({ op: 'closed', connectionRef, reason: 'client closed', ...CLOSED }, 1);
    expect(scene.ordered).toEqual([
      [1, 's', 1, 'main channel closed'],
      [2, 's', 1, 'main channel closed'],
    ]);
  });

  it('whose worker died is closed; what comes for the dead worker later is given back', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    await scene.authorize(2, { id: 2, pid: 102 });
    scene.plane.workerDied(WORKER);
    await scene.plane.settle();
    expect([scene.closed, scene.plane.registry.size]).toEqual([['ref1'], 1]);
    expect(scene.ordered).toEqual([[2, 's', 1, 'main channel closed']]);
    expect(await scene.authorize(2)).toMatchObject({ kind: 'denied' });
    await scene.plane.settle();
    expect([scene.closed, scene.plane.registry.size]).toEqual([['ref1', 'ref3'], 1]);
  });

  it('of a terminated session is told to end', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    scene.ended = [{ sessionId: 's', generation: 1, terminated: true }];
    await scene.plane.watch.poll();
    expect(scene.ordered).toEqual([[1, 's', 1, 'terminated by request']]);
  });

  it.each(['poll', 'authorization'])(
    'that ended in an outage is written with the first %s that is answered',
    async (first) => {
      jest.useFakeTimers();
      try {
        const scene = new Scene();
        scene.away = true;
        await scene.authorize(2);
        scene.plane.note({ op: 'closed', connectionRef: 'ref1', reason: 'client closed', ...CLOSED }, 1);
        await jest.advanceTimersByTimeAsync(600_000);
        scene.away = false;
        await (first === 'poll' ? scene.plane.watch.poll() : scene.authorize(2));
        await jest.advanceTimersByTimeAsync(0);
        expect(scene.closed).toEqual(['ref1']);
      } finally {
        jest.useRealTimers();
      }
    },
  );

  it('of a newer generation outlives the end of the older one', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    scene.ended = [{ sessionId: 's', generation: 0, terminated: false }];
    await scene.plane.watch.poll();
    expect(scene.ordered).toHaveLength(0);
  });
});

describe('what other processes say', () => {
  const ended = (generation: number, terminated: boolean) =>
    ({ method: 'session_ended', args: { session_id: 's', generation, terminated } }) as const;

  it('ends the channels of that generation and older, at once', async () => {
    const scene = new Scene();
    await scene.authorize(2);
    scene.plane.onFanout(ended(0, false));
    expect(scene.ordered).toEqual([]);
    scene.plane.onFanout(ended(1, false));
    scene.plane.onFanout(ended(7, true));
    expect(scene.ordered).toEqual([
      [1, 's', 1, 'main channel closed'],
      [1, 's', 7, 'terminated by request'],
    ]);
  });

  it.each<[CloseReason, FanoutMessage]>([
    ['terminated by request', ended(1, true)],
    [
      'replaced',
      { method: 'session_ended', args: { session_id: 's', generation: 1, terminated: true, replaced: true } },
    ],
  ])('%s is the reason, also where a worker sees the hypervisor close first', async (reason, news) => {
    const scene = new Scene();
    for (const channelType of [1, 2, 3]) await scene.authorize(channelType);
    scene.plane.onFanout(news);
    const seen: CloseReason[] = [reason, 'backend closed', 'idle'];
    seen.forEach((why, at) => {
      scene.plane.note({ op: 'closed', connectionRef: `ref${at + 1}`, reason: why, ...CLOSED }, 1);
    });
    const words = [reason, reason, 'idle'].map((why) =>
      expect.stringContaining(`Channel closed: ${why} after`),
    );
    expect(scene.messages().slice(3)).toEqual(words);
  });

  it('the end of a main channel leaves the others the reason that their workers saw', async () => {
    const scene = new Scene();
    await scene.authorize(2);
    scene.plane.onFanout(ended(1, false));
    scene.plane.note({ op: 'closed', connectionRef: 'ref1', reason: 'backend closed', ...CLOSED }, 1);
    expect(scene.messages().slice(1)).toEqual([
      expect.stringContaining('Channel closed: backend closed after'),
    ]);
  });

  it('keeps out a channel whose session ended while it was authorized, and no later generation', async () => {
    const scene = new Scene();
    const asked = scene.authorize(2);
    scene.plane.onFanout(ended(1, false));
    expect(await asked).toMatchObject({ kind: 'denied', because: 'error', reason: 'session_ended' });
    await scene.plane.settle();
    expect([scene.closed, scene.plane.registry.size]).toEqual([['ref1'], 0]);
    const next = scene.authorize(2);
    scene.plane.onFanout(ended(0, false));
    expect(await next).toMatchObject({ kind: 'granted' });
  });

  it('ends nothing but terminated sessions while this node may have been taken for dead', async () => {
    const scene = new Scene();
    await scene.authorize(2);
    scene.confirmed = false;
    scene.plane.onFanout(ended(1, false));
    scene.ended = [{ sessionId: 's', generation: 1, terminated: false }];
    await scene.plane.watch.poll();
    expect(scene.ordered).toEqual([]);
    scene.plane.onFanout(ended(1, true));
    expect(scene.ordered).toEqual([[1, 's', 1, 'terminated by request']]);
    scene.confirmed = true;
    await scene.plane.watch.poll();
    expect(scene.ordered).toHaveLength(2);
  });

  it.each([
    ['moving', ['Instance is moving']],
    ['moved', ['Instance has moved to another host']],
    ['stayed', ['Instance stays on its host']],
    ['changed', []],
  ] as const)('that an instance is %s is written down at its main channel', async (change, messages) => {
    const scene = new Scene();
    await scene.authorize(1);
    await scene.authorize(2);
    const before = scene.messages().length;
    const args = { source: 'lab', uuid: 'u', change };
    scene.plane.onFanout({ method: 'console_changed', args });
    scene.plane.onFanout({ method: 'console_changed', args });
    scene.plane.onFanout({ method: 'console_changed', args: { ...args, uuid: 'another' } });
    scene.plane.onFanout({ method: 'policy_changed', args: {} });
    expect(scene.messages().slice(before)).toEqual(messages);
  });

  it('that the settings of sessions are others goes to each worker that carries one, once, and into new grants', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    await scene.authorize(2);
    await scene.authorize(2, { id: 7, pid: 107 });
    const settings = sessionSettings({ firewall: { mode: 'warn', permittedChannels: ['main', 'display'] } });
    scene.plane.useSettings(settings);
    expect(scene.settings).toEqual([
      [1, 's', settings],
      [7, 's', settings],
    ]);
    expect(await scene.authorize(2)).toMatchObject({ kind: 'granted', settings });
    expect(await scene.authorize(9)).toMatchObject({ kind: 'denied', reason: 'channel_forbidden' });
  });

  it('that its console has a mode of pacing of its own is kept to, whatever the settings are', async () => {
    const scene = new Scene();
    scene.own = { pacingMode: 'on' };
    expect(await scene.authorize(1)).toMatchObject({ settings: { pacing: { mode: 'on' } } });
    scene.plane.useSettings(sessionSettings({ pacing: { mode: 'auto', maxOverread: 5 } }));
    expect(scene.settings).toEqual([[1, 's', sessionSettings({ pacing: { mode: 'on', maxOverread: 5 } })]]);
  });

  it('that its user has done something is told to the other workers that carry its displays', async () => {
    const scene = new Scene();
    await scene.authorize(1, { id: 1, pid: 101 });
    await scene.authorize(3, { id: 1, pid: 101 });
    await scene.authorize(2, { id: 1, pid: 101 });
    await scene.authorize(2, { id: 2, pid: 102 });
    await scene.authorize(2, { id: 2, pid: 102 });
    await scene.authorize(4, { id: 3, pid: 103 });
    scene.plane.note({ op: 'input', sessionId: 's' }, 1);
    scene.plane.note({ op: 'input', sessionId: 'of nobody' }, 1);
    expect(scene.inputs).toEqual([[2, 's']]);
  });

  it('and how it is paced goes into the metrics, and at its end into the audit trail', async () => {
    const scene = new Scene();
    await scene.authorize(2);
    const figures = { rttMs: 81, bandwidth: 1_187_500, queueBytes: 1000, keyToDrawMs: 148 };
    const session = { sessionId: 's', displays: 1, supersededDraws: 7, ...figures };
    scene.plane.note({ op: 'pacing', sessions: [session], supersededDraws: 7, keyToDraws: [148] }, 1);
    scene.plane.note({ op: 'pacing', sessions: [session], supersededDraws: 2, keyToDraws: [] }, 2);
    scene.plane.paced.refresh();
    const text = await scene.metrics.text();
    expect(text).toContain('kerbside_proxy_paced_sessions 1\n');
    expect(text).toContain('kerbside_proxy_pacing_queue_bytes 2000\n');
    expect(text).toContain('kerbside_proxy_superseded_draws_total 9\n');
    expect(text).toContain('kerbside_proxy_key_to_draw_seconds_sum 0.148\n');
    const pacing = {
      ...{ pacedFor: 212.34, rttMs: 81, bandwidth: 1_187_500, supersededDraws: 9, supersededFrames: 0 },
      keyToDrawMs: 148,
    };
    const end = { ...CLOSED, pacing, reason: 'client closed' } as const;
    scene.plane.note({ op: 'closed', connectionRef: 'ref1', ...end }, 1);
    expect(scene.messages()).toContain(
      'Pacing this connection: paced for 212.3 s, round trip 81 ms, 9.5 Mbit/s, ' +
        '9 draws and 0 frames superseded, key to draw 148 ms',
    );
    scene.plane.note({ op: 'pacing', sessions: [], supersededDraws: 0, keyToDraws: [] }, 1);
    scene.plane.workerDied({ id: 2, pid: 102 });
    scene.plane.paced.refresh();
    expect(await scene.metrics.text()).toContain('kerbside_proxy_paced_sessions 0\n');
  });

  it('that a console is gone makes it look at once', async () => {
    const scene = new Scene();
    await scene.authorize(2);
    scene.ended = [{ sessionId: 's', generation: 1, terminated: true }];
    scene.plane.onFanout({
      method: 'console_changed',
      args: { source: 'lab', uuid: 'u', change: 'removed' },
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(scene.ordered).toHaveLength(1);
  });
});

describe('while the database is away', () => {
  it('channels are refused with a reason of their own; the audit trail has their number afterwards', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    scene.fault = new DatabaseError('away');
    const denied = { kind: 'denied', because: 'error', reason: 'database_away' };
    expect([await scene.authorize(2), await scene.authorize(2)]).toEqual([denied, denied]);
    scene.fault = null;
    await scene.authorize(2);
    expect(scene.messages()).toContain('Channels refused while the database was away: 2');
    expect(scene.plane.registry.size).toBe(2);
  });

  it('a channel beside a main channel waits for it, as long as its worker does; a main channel does not', async () => {
    const timers = new ManualTimers();
    const scene = new Scene({ timers, lookupTimeout: 7 });
    scene.fault = new DatabaseError('away');
    const denied = { kind: 'denied', because: 'error', reason: 'database_away' };
    expect(await scene.authorize(1)).toEqual(denied);
    const late = scene.authorize(2);
    await timers.pass(3000);
    scene.fault = new ChannelInDoubt('ref of the row', new DatabaseError('away'));
    await timers.pass(250);
    scene.fault = null;
    await timers.pass(250);
    expect(await late).toMatchObject({ kind: 'granted' });
    await timers.pass(1000);
    expect(scene.closed).toEqual(['ref of the row']);
    scene.fault = new DatabaseError('away');
    const tooLate = scene.authorize(2);
    await timers.pass(7000);
    expect(await tooLate).toEqual(denied);
  });

  it('what may have been written of a channel is closed as soon as it is back', async () => {
    const scene = new Scene();
    scene.fault = new ChannelInDoubt('ref of the row', new DatabaseError('away'));
    scene.away = true;
    expect(await scene.authorize(1)).toMatchObject({ kind: 'denied', reason: 'database_away' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(scene.closed).toEqual([]);
    scene.away = false;
    await scene.plane.settle();
    expect(scene.closed).toEqual(['ref of the row']);
  });

  it('another fault stays a fault', async () => {
    const scene = new Scene();
    scene.fault = new TypeError('a mistake of ours');
    await expect(scene.authorize(1)).rejects.toThrow(TypeError);
  });
});

describe('the news of sessions', () => {
  const establish = (connectionRef: string) =>
    ({ op: 'establish', connectionRef, sessionId: 's', generation: 1, backendConnectionId: 9 }) as const;

  it('are told when the main channel is up, and when the records say that it has ended', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    await scene.plane.request(WORKER, establish('ref1'));
    expect(scene.published).toMatchObject([
      { started: { sessionId: 's', generation: 1, source: 'lab', owner: OWNER, clientIp: '192.0.2.9' } },
    ]);
    scene.plane.note({ op: 'closed', connectionRef: 'ref1', reason: 'client closed', ...CLOSED }, 1);
    expect(scene.published).toHaveLength(1);
    await scene.plane.settle();
    await Promise.resolve();
    expect(scene.published.at(-1)).toEqual({ ended: ['s', 1] });
  });

  it.each(['token_malformed', 'limit_connections', 'limit_address', 'limit_half_open', 'database_away'])(
    'of a refusal that asks no database, %s, are told and written down with the note of it',
    async (reason) => {
      const scene = new Scene();
      scene.plane.note({ op: 'refused', reason, clientIp: '192.0.2.9' }, 1);
      expect(scene.published).toEqual([
        {
          refused: {
            ...{ reason, source: null, uuid: null, sessionId: null, issuedTo: null },
            ...{ clientIp: '192.0.2.9', node: 'node1' },
          },
        },
      ]);
      expect(scene.audit).toEqual([
        {
          ...{ source: '', uuid: '', node: 'node1', pid: process.pid, client_ip: '192.0.2.9' },
          message: `Channel refused: ${reason.replaceAll('_', ' ')}`,
        },
      ]);
      expect(await scene.metrics.text()).toContain(`refused_total{reason="${reason}"} 1`);
    },
  );

  it.each([
    'tls',
    'link',
    'link_timeout',
    'need_secured',
    'token_expired',
    'instance_gone',
    'channel_forbidden',
  ])(
    'have nothing of the note of %s: nobody wanted a console, or it was told with all that is known',
    async (reason) => {
      const scene = new Scene();
      scene.plane.note({ op: 'refused', reason, clientIp: '192.0.2.9' }, 1);
      expect([scene.published, scene.audit]).toEqual([[], []]);
      expect(await scene.metrics.text()).toContain(`refused_total{reason="${reason}"} 1`);
    },
  );

  it('a session whose main channel ended while it came up has none', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    const gate = aGate();
    scene.answer = gate.passed;
    const established = scene.plane.request(WORKER, establish('ref1'));
    scene.plane.note({ op: 'closed', connectionRef: 'ref1', reason: 'client closed', ...CLOSED }, 1);
    gate.open();
    await expect(established).rejects.toThrow('the channel is closed');
    await scene.plane.settle();
    expect([scene.closed, scene.published]).toEqual([['ref1'], []]);
  });

  it('a session that never came up has none; a refusal has', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    scene.plane.note({ op: 'closed', connectionRef: 'ref1', reason: 'backend failed', ...CLOSED }, 1);
    await scene.plane.settle();
    scene.denial = 'token_expired';
    await scene.authorize(1);
    expect(scene.published).toEqual([
      {
        refused: {
          ...{ reason: 'token_expired', source: 'lab', uuid: 'u', sessionId: 's', issuedTo: 'ann' },
          ...{ clientIp: '192.0.2.9', node: 'node1' },
        },
      },
    ]);
  });
});
