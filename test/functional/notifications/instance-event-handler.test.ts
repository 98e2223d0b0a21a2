// SPDX-License-Identifier: Apache-2.0
// What each event does to consoles, tokens and sessions, on both engines; and that order, repetition and gaps do not matter.
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import type { EventName, InstanceEvent, Phase } from '../../../src/notifications/instance-event.js';
import { readState } from '../../../src/notifications/status.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { InstanceSite, readRecorded } from '../../fixtures/instance-events.js';
import { recordedNotifications } from '../../fixtures/notification-captures.js';
import { SeededRandom } from '../../fixtures/random.js';

const UUID = '0ba2b65e-8043-467f-960e-a26bf067b848';
/** What a test leaves behind. */
const TABLES = [
  ...['sources', 'consoles', 'console_sessions', 'console_tokens', 'console_connections'],
  ...['session_terminations', 'audit_events'],
];
const NOW = (): number => Date.now() / 1000;

/** The recorded run as events, in order. */
const RUN = recordedNotifications()
  .map(readRecorded)
  .filter((event): event is InstanceEvent => event !== null && event.uuid === UUID);
/** The same up to where the deletion begins. */
const LIFE = RUN.slice(
  0,
  RUN.findIndex(({ taskState }) => taskState === 'deleting'),
);

function anEvent(event: EventName, phase: Phase, change: Partial<InstanceEvent> = {}): InstanceEvent {
  const { state = 'active', taskState = null } = change;
  return {
    ...{ event, phase, format: 'versioned', time: NOW(), uuid: UUID },
    ...readState(state, taskState),
    ...{
      projectId: 'p',
      userId: 'u',
      name: 'notify-1',
      host: 'lab',
      powerState: null,
      locked: null,
      metadata: null,
    },
    ...change,
  };
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const left = [...items];
  const out: T[] = [];
  while (left.length > 0) out.push(...left.splice(random.below(left.length), 1));
  return out;
}

describe.each(ENGINES)('consoles on %s', (engine) => {
  const databases = databasesOf(engine, { keep: true });
  let db: Database | undefined;

  // A schema takes MariaDB a second: the tests share one.
  async function anEmptySite(): Promise<InstanceSite> {
    db ??= await databases.fresh();
    for (const table of TABLES) await db.execute(`DELETE FROM ${table}`);
    return InstanceSite.open(db);
  }

  async function aSite(): Promise<InstanceSite> {
    const site = await anEmptySite();
    await site.console(UUID);
    return site;
  }

  describe('after the recorded run', () => {
    const random = new SeededRandom(4711);
    const last = LIFE.at(-1);
    const end = {
      instance_state: 'ACTIVE',
      instance_host: 'lab',
      instance_event_at: last?.time ?? 0,
      instance_locked: 0,
      address_stale: 1,
    };

    it.each([
      ['in order', LIFE],
      ['in reverse', LIFE.toReversed()],
      ['shuffled', shuffled(LIFE, random)],
      ['shuffled otherwise', shuffled(LIFE, random)],
      ['twice, shuffled', shuffled([...LIFE, ...LIFE], random)],
      [
        'with gaps',
        [...LIFE.filter((_event, at) => at % 3 !== 0 && at < LIFE.length - 4), ...LIFE.slice(-4)],
      ],
      ['the unversioned half only', LIFE.filter(({ format }) => format === 'unversioned')],
      ['the versioned half only', LIFE.filter(({ format }) => format === 'versioned')],
    ])('%s, the row says what was said last', async (name, events) => {
      const site = await aSite();
      for (const event of events) await site.handle(event);
      const known = await site.known(UUID);
      const unversioned = name.startsWith('the unversioned');
      expect(known).toEqual({
        ...end,
        instance_event_at: expect.closeTo(Math.max(...events.map(({ time }) => time)), 3),
        instance_locked: unversioned ? null : 0,
      });
    });

    it.each([
      ['in order', RUN],
      ['in reverse', RUN.toReversed()],
      ['shuffled', shuffled(RUN, random)],
    ])('with its deletion %s, there is no console, session or token', async (_name, events) => {
      const site = await aSite();
      const { sessionId } = await site.run(UUID);
      const unused = await site.mint(UUID);
      for (const event of events) await site.handle(event);
      expect(await site.known(UUID)).toBeNull();
      expect(await site.session(sessionId)).toMatchObject({ ended: true, terminated: true });
      expect(await site.connect(unused.token)).toBeNull();
      expect(await site.messages(UUID)).toContain('Console no longer available');
    });
  });

  it('are looked at when the metadata says something else of guest data, and only then', async () => {
    const site = await aSite();
    const refreshed = async (metadata: InstanceEvent['metadata']): Promise<number> => {
      await site.handle(anEvent('update', 'none', { metadata }));
      return site.refreshed.splice(0).length;
    };
    expect([await refreshed(null), await refreshed({}), await refreshed({ team: 'lab' })]).toEqual([0, 0, 0]);
    expect(await refreshed({ kerbside_usb: 'none' })).toBe(1);
    const known = await site.consoles.reportedOne('cloud', UUID);
    const settings = { guestPolicy: { metadata: { usb: ['none'] } } };
    await site.consoles.put('cloud', { ...known!, settings });
    expect([await refreshed({ kerbside_usb: 'none', team: 'lab' }), await refreshed({})]).toEqual([0, 1]);
  });

  describe('of an instance that is', () => {
    it.each([
      ['deleted', 'delete', 'start', { taskState: 'deleting' }],
      ['deleted', 'delete', 'end', { state: 'deleted' }],
      ['deleted for a while', 'soft_delete', 'end', { state: 'soft-delete' }],
      ['about to be deleted', 'update', 'none', { taskState: 'deleting' }],
      ['shut down for its deletion', 'shutdown', 'start', { taskState: 'deleting' }],
    ] as const)('%s (%s.%s) go, with sessions and tokens, for good', async (_what, event, phase, change) => {
      const site = await aSite();
      const running = await site.run(UUID);
      const unused = await site.mint(UUID);
      expect(await site.handle(anEvent(event, phase, change))).toBe('applied');
      expect(await site.known(UUID)).toBeNull();
      for (const { sessionId } of [running, unused])
        expect(await site.nouns.sessions.find(sessionId)).toMatchObject({ state: 'closing' });
      expect(await site.session(running.sessionId)).toMatchObject({ ended: true, terminated: true });
      expect(await site.connect(running.token)).toBeNull();
      expect(await site.connect(unused.token)).toBeNull();
      const name = phase === ('none' as string) ? `instance.${event}` : `instance.${event}.${phase}`;
      const message = `Session ended: Nova reports ${name}`;
      const ends = (await site.audit.list('cloud', UUID, 100)).events.filter(
        (one) => one.message === message,
      );
      expect(ends).toHaveLength(2);
      for (const end of ends) expect(end).toMatchObject({ issued_to: 'alice', requested_by: 'notification' });
      expect(ends.find(({ session_id }) => session_id === running.sessionId)?.client_ip).not.toBeNull();
      expect(ends.find(({ session_id }) => session_id === unused.sessionId)?.client_ip).toBeNull();
      expect(site.told).toContainEqual({
        method: 'console_changed',
        args: { source: 'cloud', uuid: UUID, change: 'removed' },
      });
      expect(await site.handle(anEvent(event, phase, change))).toBe('no_console');
    });

    it.each([
      ['stopped', 'power_off', 'end', { state: 'stopped' }, 'SHUTOFF'],
      ['suspended', 'suspend', 'end', { state: 'suspended' }, 'SUSPENDED'],
      ['shelved', 'shelve', 'end', { state: 'shelved' }, 'SHELVED'],
      ['offloaded', 'shelve_offload', 'end', { state: 'shelved_offloaded', host: null }, 'SHELVED_OFFLOADED'],
      ['rescued', 'rescue', 'start', { taskState: 'rescuing' }, 'ACTIVE'],
      ['rebuilt', 'rebuild', 'start', { taskState: 'rebuilding' }, 'REBUILD'],
      ['rebooted hard', 'reboot', 'start', { taskState: 'reboot_pending_hard' }, 'HARD_REBOOT'],
      ['evacuated', 'evacuate', 'none', {}, 'ACTIVE'],
      ['resized', 'resize', 'end', { taskState: 'resize_migrated' }, 'RESIZE'],
      ['found stopped', 'update', 'none', { state: 'stopped' }, 'SHUTOFF'],
    ] as const)('%s (%s.%s) end their sessions and keep unused tokens', async (...row) => {
      const [, event, phase, change, state] = row;
      const site = await aSite();
      const running = await site.run(UUID);
      const unused = await site.mint(UUID);
      expect(await site.handle(anEvent(event, phase, change))).toBe('applied');
      expect(await site.known(UUID)).toMatchObject({ instance_state: state, address_stale: 1 });
      expect(await site.session(running.sessionId)).toEqual({
        ...{ state: 'closing', ended: true, terminated: false },
      });
      expect(await site.session(unused.sessionId)).toMatchObject({ state: 'pending', ended: false });
      expect(await site.connect(unused.token)).not.toBeNull();
      expect(site.refreshed).toEqual([]);
    });

    it.each([
      ['started', 'power_on', 'end', {}],
      ['rebooted', 'reboot', 'end', {}],
      ['resumed', 'resume', 'end', {}],
      ['in rescue', 'rescue', 'end', { state: 'rescued' }],
      ['rebuilt', 'rebuild', 'end', {}],
      ['elsewhere', 'live_migration_post_dest', 'end', { host: 'lab2' }],
      ['elsewhere after a resize', 'resize_finish', 'end', { state: 'resized', host: 'lab2' }],
      ['back after a resize', 'resize_revert', 'end', { host: 'lab2' }],
      ['unshelved', 'unshelve', 'end', { host: 'lab2' }],
      ['found elsewhere', 'update', 'none', { host: 'lab2' }],
      ['renamed', 'update', 'none', { name: 'another' }],
    ] as const)('%s (%s.%s) are looked at anew, and sessions go on', async (...row) => {
      const [, event, phase, change] = row;
      const site = await aSite();
      const running = await site.run(UUID);
      expect(await site.handle(anEvent(event, phase, change))).toBe('applied');
      expect(site.refreshed).toEqual([`cloud/${UUID}`]);
      expect(await site.known(UUID)).toMatchObject({
        instance_host: 'host' in change ? change.host : 'lab',
      });
      expect(await site.session(running.sessionId)).toMatchObject({ state: 'active', ended: false });
    });

    it.each([
      ['paused', 'pause', 'end', { state: 'paused' }, 'PAUSED', 'changed'],
      ['about to move', 'live_migration_pre', 'start', { taskState: 'migrating' }, 'MIGRATING', 'moving'],
      ['where it was', 'live_migration_rollback', 'end', {}, 'ACTIVE', 'stayed'],
      ['confirmed', 'resize_confirm', 'end', {}, 'ACTIVE', 'changed'],
    ] as const)('%s (%s.%s) follow its state, and sessions go on', async (...row) => {
      const [, event, phase, change, state, told] = row;
      const site = await aSite();
      const running = await site.run(UUID);
      expect(await site.handle(anEvent(event, phase, change))).toBe('applied');
      expect(await site.known(UUID)).toMatchObject({ instance_state: state, address_stale: null });
      expect(await site.session(running.sessionId)).toMatchObject({ state: 'active', ended: false });
      expect(site.told).toEqual([
        { method: 'console_changed', args: { source: 'cloud', uuid: UUID, change: told } },
      ]);
      expect(site.refreshed).toEqual([]);
    });

    it('moved keep their sessions through the whole of a recorded migration, in any order', async () => {
      const random = new SeededRandom(7);
      const events = recordedNotifications('notifications-live-migration/plain')
        .map(readRecorded)
        .filter((event) => event !== null);
      const uuid = events[0]?.uuid ?? '';
      for (const order of [events, events.toReversed(), shuffled(events, random)]) {
        const site = await anEmptySite();
        await site.console(uuid);
        const { sessionId } = await site.run(uuid);
        for (const event of order) await site.handle(event);
        expect(await site.known(uuid)).toMatchObject({
          instance_state: 'ACTIVE',
          instance_host: 'lab',
          address_stale: 1,
        });
        expect(await site.session(sessionId)).toMatchObject({ state: 'active', ended: false });
      }
    });

    it('locked and unlocked follow, by the time of the lock alone', async () => {
      const site = await aSite();
      const at = NOW() - 60;
      await site.handle(anEvent('update', 'none', { time: at + 30, format: 'unversioned' }));
      await site.handle(anEvent('lock', 'none', { time: at + 20, locked: true }));
      await site.handle(anEvent('unlock', 'none', { time: at + 10, locked: false }));
      expect(await site.known(UUID)).toMatchObject({ instance_locked: 1 });
    });
  });

  it('change by no message that is older than what is known, and by one of the same time', async () => {
    const site = await aSite();
    const running = await site.run(UUID);
    const at = NOW() - 60;
    expect(await site.handle(anEvent('power_on', 'end', { time: at }))).toBe('applied');
    expect(await site.handle(anEvent('power_off', 'end', { time: at - 1, state: 'stopped' }))).toBe(
      'outdated',
    );
    expect(await site.handle(anEvent('delete', 'start', { time: at - 1 }))).toBe('outdated');
    expect(await site.session(running.sessionId)).toMatchObject({ state: 'active', ended: false });
    expect(await site.handle(anEvent('pause', 'end', { time: at, state: 'paused' }))).toBe('applied');
    expect(await site.known(UUID)).toMatchObject({ instance_state: 'PAUSED' });
  });

  it('go by a deletion that is done, however old', async () => {
    const site = await aSite();
    await site.handle(anEvent('power_on', 'end'));
    expect(await site.handle(anEvent('delete', 'end', { time: 1, state: 'deleted' }))).toBe('applied');
    expect(await site.known(UUID)).toBeNull();
  });

  it('do not stop following because a clock was ahead', async () => {
    const site = await aSite();
    await site.handle(anEvent('update', 'none', { time: NOW() + 86_400 * 365, state: 'paused' }));
    expect(await site.known(UUID)).toMatchObject({ instance_state: 'PAUSED' });
    await site.handle(anEvent('update', 'none', { time: NOW() + 1 }));
    expect(await site.known(UUID)).toMatchObject({ instance_state: 'ACTIVE' });
    // The database's own clock was ahead, and is right again.
    await site.db.execute('UPDATE consoles SET instance_event_at = ?', [NOW() + 86_400]);
    await site.handle(anEvent('update', 'none', { state: 'paused' }));
    expect(await site.known(UUID)).toMatchObject({ instance_state: 'PAUSED' });
  });

  it('hold against a backlog what the cloud has answered since', async () => {
    const site = await aSite();
    await site.consoles.put('cloud', (await site.consoles.reportedOne('cloud', UUID))!, { askedAgo: 0 });
    const running = await site.run(UUID);
    const stopped = anEvent('power_off', 'end', { time: NOW() - 300, state: 'stopped' });
    expect(await site.handle(stopped)).toBe('outdated');
    expect(await site.session(running.sessionId)).toMatchObject({ state: 'active', ended: false });
  });

  it('are not written over by an answer that was under way when news came', async () => {
    const site = await aSite();
    const before = (await site.consoles.reportedOne('cloud', UUID))!;
    await site.handle(anEvent('power_off', 'end', { state: 'stopped' }));
    expect(await site.consoles.put('cloud', { ...before, insecurePort: 1 }, { before })).toBe(false);
    await site.handle(anEvent('delete', 'end', { state: 'deleted' }));
    expect(await site.consoles.put('cloud', before, { before })).toBe(false);
    expect(await site.known(UUID)).toBeNull();
  });

  it('follow in every cloud that has the instance, and in no source of another kind', async () => {
    const site = await aSite();
    await site.sources.upsert({ name: 'east', type: 'openstack' });
    await site.sources.upsert({ name: 'shelf', type: 'static' });
    for (const source of ['east', 'shelf']) await site.console(UUID, source);
    await site.handle(anEvent('power_off', 'end', { state: 'stopped' }));
    for (const source of ['cloud', 'east'])
      expect(await site.known(UUID, source)).toMatchObject({ instance_state: 'SHUTOFF' });
    expect(await site.known(UUID, 'shelf')).toMatchObject({ instance_state: 'ACTIVE' });
    await site.handle(anEvent('delete', 'end', { state: 'deleted' }));
    expect(await site.known(UUID, 'east')).toBeNull();
    expect(await site.known(UUID, 'shelf')).not.toBeNull();
  });

  it('are not made by an event', async () => {
    const site = await anEmptySite();
    for (const event of LIFE.slice(0, 10)) expect(await site.handle(event)).toBe('no_console');
    expect(await site.known(UUID)).toBeNull();
  });
});
