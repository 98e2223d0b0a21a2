// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { cadfEvent, eventUuid } from '../../../src/audit/cadf.js';
import { sealedEvent } from '../../fixtures/sealed-event.js';

describe('an audit event as a CADF event', () => {
  it('says who did what to which console', () => {
    const event = sealedEvent({
      ...{ message: 'Session terminated by request', requested_by: 'user', request_user: 'root' },
      ...{ request_user_id: 'u-1', request_id: 'req-1', request_ip: '192.0.2.1' },
    });
    expect(cadfEvent(event, 'node-a')).toEqual({
      typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event',
      ...{ eventType: 'activity', id: eventUuid(event), eventTime: '1970-01-01T00:16:40.000000+0000' },
      ...{ action: 'stop', outcome: 'success' },
      initiator: {
        ...{ typeURI: 'service/security/account/user', id: 'u-1', name: 'root' },
        ...{ host: { address: '192.0.2.1' }, request_id: 'req-1' },
      },
      target: { typeURI: 'service/compute/kerbside/console', id: 'a', name: 'lab/a' },
      observer: { id: 'node-1', typeURI: 'service/compute/kerbside', name: 'kerbside-proxy' },
      attachments: [{ name: 'audit_event', contentType: 'application/json', content: event }],
    });
  });

  it('is of the user of a session where nobody asked, and of Kerbside where it did it by itself', () => {
    expect(cadfEvent(sealedEvent(), 'n')).toMatchObject({
      initiator: { id: 'alice', name: 'alice', host: { address: '::1' } },
    });
    expect(cadfEvent(sealedEvent({ requested_by: 'service', source: '', uuid: '' }), 'n')).toMatchObject({
      initiator: { typeURI: 'service/compute/kerbside', id: 'node-1', name: 'kerbside-proxy' },
      target: { id: 'node-1', name: 'kerbside' },
    });
  });

  it('has an id that is a UUID of version 8, the same for the same event', () => {
    expect(eventUuid(sealedEvent())).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(eventUuid(sealedEvent())).toBe(eventUuid(sealedEvent()));
    expect(eventUuid(sealedEvent({ message: 'another' }))).not.toBe(eventUuid(sealedEvent()));
  });
});
