// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { OwnNotification } from '../../../../src/messaging/notifier.js';
import { OwnNotifications } from '../../../../src/notifications/own/own-notifications.js';
import { ownNotificationSamples } from '../../../fixtures/own-notification-samples.js';

const EVENTS = [
  'kerbside.session.start',
  'kerbside.session.end',
  'kerbside.session.terminate',
  'kerbside.console.refused',
  'kerbside.source.error',
  'kerbside.source.recovered',
];
/** Members that a payload may have: a new one is looked at before it goes out. */
const MEMBERS = new Set(
  (
    'session_id generation source uuid node project_id user_id issued_to client_address started_at ended_at ' +
    'duration channels bytes_up bytes_down reason requested_by request_user request_user_id request_project_id ' +
    'request_id request_address suppressed error'
  ).split(' '),
);

function payloadData({ payload }: OwnNotification): Record<string, unknown> {
  return payload['kerbside_object.data'] as Record<string, unknown>;
}

function sending(driver: string[]): { own: OwnNotifications; sent: OwnNotification[] } {
  const sent: OwnNotification[] = [];
  const conf = { osloMessagingNotifications: { driver } };
  const notifier = { emit: (notification: OwnNotification) => void sent.push(notification) };
  return {
    own: new OwnNotifications(notifier, conf as unknown as ConstructorParameters<typeof OwnNotifications>[1]),
    sent,
  };
}

const REFUSED = {
  ...{ reason: 'token_unknown', source: null, uuid: null, sessionId: null },
  ...{ issuedTo: null, clientIp: '192.0.2.1', node: 'one' },
};

describe('the notifications that Kerbside sends', () => {
  const samples = ownNotificationSamples();

  it('are versioned objects', () => {
    expect(samples.map(({ eventType }) => eventType)).toEqual(EVENTS);
    for (const { payload } of samples) {
      expect(payload).toEqual({
        'kerbside_object.name': expect.stringMatching(/^[A-Z][A-Za-z]+Payload$/),
        'kerbside_object.namespace': 'kerbside',
        'kerbside_object.version': expect.stringMatching(/^1\.[01]$/),
        'kerbside_object.data': expect.any(Object),
      });
    }
  });

  it('have no member but those that were looked at, and no nested ones', () => {
    for (const sample of samples) {
      for (const [name, value] of Object.entries(payloadData(sample))) {
        expect(MEMBERS).toContain(name);
        expect(value === null || ['string', 'number'].includes(typeof value)).toBe(true);
      }
    }
    expect([...MEMBERS].filter((name) => /token|ticket|password|secret|key|hypervisor/.test(name))).toEqual(
      [],
    );
  });

  it('stand in the reference as the code makes them', () => {
    const page = readFileSync('doc/source/reference/notifications.rst', 'utf8');
    for (const { eventType, payload } of samples) {
      const block = JSON.stringify(payload, null, 2).replace(/^/gm, '    ');
      expect(page).toContain(`\n${eventType}\n${'='.repeat(eventType.length)}\n`);
      expect(page).toContain(block);
      for (const name of Object.keys(payloadData({ eventType, payload, priority: 'info' })))
        expect(page).toContain(`\`\`${name}\`\``);
    }
  });

  it('are made only when a driver wants them', () => {
    for (const driver of [[], ['noop']]) {
      const { own, sent } = sending(driver);
      own.refused(REFUSED);
      own.sourceChanged({ source: 'lab', fault: 'x', node: 'one' });
      own.terminated({
        ...{ source: 'lab', uuid: 'u', sessionIds: ['s'], reason: '', node: 'one' },
        by: { kind: 'operator', name: 'root' },
      });
      expect([own.wanted, sent]).toEqual([false, []]);
    }
    expect(sending(['noop', 'log']).own.wanted).toBe(true);
  });

  it('of a fault of a source are errors, and their text is bounded', () => {
    const { own, sent } = sending(['log']);
    own.sourceChanged({ source: 'lab', fault: 'x'.repeat(5000), node: 'one' });
    expect(sent[0]?.priority).toBe('error');
    expect(JSON.stringify(sent[0]).length).toBeLessThan(1400);
  });

  it('of one stranger who knocks without end is one', () => {
    const { own, sent } = sending(['log']);
    for (let knock = 0; knock < 1000; knock += 1) own.refused(REFUSED);
    own.refused({ ...REFUSED, clientIp: '192.0.2.2' });
    expect(sent.map(payloadData)).toMatchObject([{ suppressed: 0 }, { suppressed: 999 }]);
  });
});
