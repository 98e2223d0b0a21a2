// SPDX-License-Identifier: Apache-2.0
// Refused clients: all are told, and of strangers not more are written down than a trail can take.
import { describe, expect, it } from '@jest/globals';
import { NotificationPublisher } from '../../../../src/console/control/notification-publisher.js';
import { Refusals } from '../../../../src/console/control/refusals.js';
import type { AuthorizeRequest } from '../../../../src/console/ipc.js';
import type { AuditEntry } from '../../../../src/objects/audit-event.js';
import { ManualTimers } from '../../../fixtures/manual-timers.js';

const REQUEST: AuthorizeRequest = {
  ...{ op: 'authorize', ticket: 'a token', connectionId: 0, channelType: 2, channelId: 0 },
  ...{ clientIp: '192.0.2.9', clientPort: 1, linkTime: 0.1 },
};

function aNode(): { refusals: Refusals; written: AuditEntry[]; told: unknown[]; timers: ManualTimers } {
  const [written, told, timers]: [AuditEntry[], unknown[], ManualTimers] = [[], [], new ManualTimers()];
  const publisher = new NotificationPublisher(
    { started: () => undefined, refused: (refused) => told.push(refused) },
    { add: () => undefined },
    'node1',
  );
  const audit = { add: (entry: AuditEntry): void => void written.push(entry) };
  return { refusals: new Refusals({ audit, publisher, node: 'node1', timers }), written, told, timers };
}

describe('refused clients', () => {
  it('with a token that is known are written down at its console, with its user and their address', () => {
    const { refusals, written, told } = aNode();
    const of = { source: 'lab', uuid: 'u', sessionId: 's' };
    for (let times = 0; times < 3; times += 1)
      refusals.denied(REQUEST, { kind: 'denied', reason: 'token_expired', ...of, issuedTo: 'ann' });
    expect([written.length, told.length]).toEqual([3, 3]);
    expect(written[0]).toEqual({
      ...{ source: 'lab', uuid: 'u', session_id: 's', channel: 'display', node: 'node1' },
      ...{ issued_to: 'ann', client_ip: '192.0.2.9', message: 'Channel refused: token expired' },
    });
    expect(told[0]).toMatchObject({ ...of, issuedTo: 'ann', clientIp: '192.0.2.9' });
  });

  it('that are strangers are written down once a minute for the same reason and address, the others counted', async () => {
    const { refusals, written, told, timers } = aNode();
    for (let times = 0; times < 5; times += 1) refusals.stranger('token_malformed', '192.0.2.9');
    refusals.denied(REQUEST, { kind: 'denied', reason: 'token_unknown' });
    await timers.pass(61_000);
    refusals.stranger('token_malformed', '192.0.2.9');
    expect(told).toHaveLength(7);
    expect(written.map(({ message, client_ip }) => [message, client_ip])).toEqual([
      ['Channel refused: token malformed', '192.0.2.9'],
      ['Channel refused: token unknown; 4 others before it were not written down', '192.0.2.9'],
      ['Channel refused: token malformed', '192.0.2.9'],
    ]);
  });

  it('of many addresses do not fill the trail', async () => {
    const { refusals, written, timers } = aNode();
    const flood = (): void => {
      for (let host = 0; host < 5000; host += 1) refusals.stranger('limit_connections', `2001:db8::${host}`);
    };
    flood();
    expect(written).toHaveLength(60);
    await timers.pass(10_000);
    flood();
    expect(written).toHaveLength(70);
  });
});
