// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  decodeCast,
  decodeNotification,
  encodeCast,
  encodeNotification,
  formatTimestamp,
  parseTimestamp,
} from '../../../src/messaging/envelope.js';
import type { Notification } from '../../../src/messaging/envelope.js';
import { recordedNotifications } from '../../fixtures/notification-captures.js';

const LIMIT = 65_536;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const OWN: Notification = {
  messageId: '9f1c0c5e-3f53-4a0e-9f8a-6b3b0d0c7a11',
  uniqueId: '4a1d2c3b5e6f47889900aabbccddeeff',
  publisherId: 'kerbside-proxy:node-a',
  eventType: 'kerbside.session.start',
  priority: 'info',
  timestamp: 1787306347.123456,
  payload: { name: 'Grüße 🖥', nothing: null },
};

describe('a recorded notification', () => {
  it.each(recordedNotifications().map((recorded) => [recorded.name, recorded] as const))(
    '%s is read',
    (name, { body, routingKey }) => {
      const decoded = decodeNotification(Buffer.from(body), LIMIT);
      if (!decoded.ok) throw new Error(decoded.fault);
      const { value } = decoded;
      expect(value.messageId).toMatch(UUID);
      expect(value.uniqueId).toMatch(/^[0-9a-f]{32}$/);
      expect(name).toContain(value.eventType);
      expect(routingKey.endsWith(`.${value.priority}`)).toBe(true);
      expect(value.publisherId).toMatch(name.includes('-versioned-') ? /^nova-[a-z]+:/ : /^[a-z_]+\./);
      // Recorded in 2026.
      expect(value.timestamp).toBeGreaterThan(1_767_225_600);
      expect(value.timestamp).toBeLessThan(1_798_761_600);
      expect(typeof value.payload).toBe('object');
      expect(JSON.stringify(value)).not.toContain('_context_');
    },
  );
});

describe('the envelope', () => {
  it.each([2, 1] as const)('of version %s gives back what was put in', (version) => {
    const bytes = encodeNotification(OWN, version);
    expect(decodeNotification(bytes, LIMIT)).toEqual({ ok: true, value: OWN });
  });

  it('has the members of oslo.messaging', () => {
    const outer = JSON.parse(encodeNotification(OWN, 2).toString()) as Record<string, string>;
    expect(Object.keys(outer)).toEqual(['oslo.version', 'oslo.message']);
    expect(outer['oslo.version']).toBe('2.0');
    expect(JSON.parse(outer['oslo.message'] ?? '')).toMatchObject({
      message_id: OWN.messageId,
      publisher_id: 'kerbside-proxy:node-a',
      event_type: 'kerbside.session.start',
      priority: 'INFO',
      timestamp: '2026-08-21 09:59:07.123456',
      _unique_id: OWN.uniqueId,
    });
  });

  it('may have a newer minor version', () => {
    const body = encodeNotification(OWN, 2).toString().replace('"2.0"', '"2.7"');
    expect(decodeNotification(Buffer.from(body), LIMIT).ok).toBe(true);
  });

  it('takes the name of the message for its unique name when that is missing', () => {
    const body = encodeNotification(OWN, 1).toString().replace('_unique_id', '_other');
    const decoded = decodeNotification(Buffer.from(body), LIMIT);
    expect(decoded).toMatchObject({ ok: true, value: { uniqueId: OWN.messageId } });
  });

  it('that is cut at any place is a fault', () => {
    const bytes = encodeNotification(OWN, 2);
    for (let length = 0; length < bytes.length; length += 1)
      expect(decodeNotification(bytes.subarray(0, length), LIMIT).ok).toBe(false);
  });

  it.each([
    ['', 'the body is not JSON', null],
    ['null', 'the body is not a JSON object', null],
    ['"x"', 'the body is not a JSON object', null],
    ['{}', 'message_id is not a string', null],
    ['{"oslo.version": 2, "oslo.message": "{}"}', 'oslo.version is not a version 2', null],
    ['{"oslo.message": "{}"}', 'oslo.version is not a version 2', null],
    ['{"oslo.version": "2.0"}', 'oslo.message is not a string', null],
    ['{"oslo.version": "2.0", "oslo.message": {"message_id": "a-1"}}', 'oslo.message is not a string', 'a-1'],
    ['{"oslo.version": "2.0", "oslo.message": "[]"}', 'oslo.message is not a JSON object', null],
    ['{"message_id": ""}', 'message_id does not have 1 to 255 characters', null],
  ])('%s is a fault', (body, fault, messageId) => {
    expect(decodeNotification(Buffer.from(body), LIMIT)).toEqual({ ok: false, fault, messageId });
  });

  it.each([
    ['message_id', 7],
    ['message_id', 'x'.repeat(256)],
    ['publisher_id', null],
    ['event_type', []],
    ['event_type', ''],
    ['priority', 1],
    ['timestamp', 1787306347],
    ['timestamp', '2026-13-41 09:59:07'],
    ['timestamp', ''],
    ['payload', undefined],
    ['_unique_id', {}],
  ])('with %s of %p is a fault', (member, value) => {
    const message = JSON.parse(encodeNotification(OWN, 1).toString()) as Record<string, unknown>;
    const decoded = decodeNotification(Buffer.from(JSON.stringify({ ...message, [member]: value })), LIMIT);
    expect(decoded.ok).toBe(false);
    if (!decoded.ok) expect(decoded.fault).toContain(member);
  });

  it('that is too long is not looked at, but for its name', () => {
    const bytes = encodeNotification({ ...OWN, payload: 'x'.repeat(LIMIT) }, 2);
    expect(decodeNotification(bytes, LIMIT)).toEqual({
      ok: false,
      fault: `the body has ${bytes.length} bytes, more than the ${LIMIT} that are read`,
      messageId: OWN.messageId,
    });
  });

  it('keeps nothing of the context of its sender, and no fault repeats it', () => {
    const context = { _context_auth_token: 's3cret', _context_service_catalog: ['s3cret'] };
    const message = { ...(JSON.parse(encodeNotification(OWN, 1).toString()) as object), ...context };
    const good = decodeNotification(Buffer.from(JSON.stringify(message)), LIMIT);
    expect(JSON.stringify(good)).not.toContain('s3cret');
    const bad = decodeNotification(Buffer.from(`${JSON.stringify(context)}x`), LIMIT);
    expect(JSON.stringify(bad)).not.toContain('s3cret');
  });

  it('survives nesting that no sender has', () => {
    const payload = '['.repeat(20_000) + ']'.repeat(20_000);
    const body = encodeNotification(OWN, 1)
      .toString()
      .replace(/"payload":\{.*?\},/, `"payload":${payload},`);
    expect(decodeNotification(Buffer.from(body), LIMIT).ok).toBe(true);
  });
});

describe('a time', () => {
  it.each([
    ['2026-08-21 09:59:07.123456', 1787306347.123456],
    ['2026-08-21 09:59:07', 1787306347],
    ['2026-08-21T09:59:07Z', 1787306347],
    ['2026-08-21T11:59:07.5+02:00', 1787306347.5],
    ['1970-01-01 00:00:00.000001', 0.000001],
  ])('%s is read as UTC', (text, time) => {
    expect(parseTimestamp(text)).toBe(time);
  });

  it.each(['', 'now', '2026-08-21', '2026-08-21 25:00:00', '2026-02-30T00:00:00X'])('%s is none', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  it.each([0, 1787306347.123456, 1787306347.9999998])('%s is written and read', (time) => {
    expect(parseTimestamp(formatTimestamp(time))).toBeCloseTo(time, 5);
  });
});

describe('a cast', () => {
  const cast = { method: 'policy_changed', args: { a: 1 }, origin: 'o', uniqueId: 'u' };

  it('gives back what was put in', () => {
    expect(decodeCast(encodeCast(cast), LIMIT)).toEqual({ ok: true, value: cast });
  });

  it.each(['method', 'args', 'origin', '_unique_id'])('without %s is a fault', (member) => {
    const body = encodeCast(cast).toString().replace(`\\"${member}\\"`, '\\"x\\"');
    const decoded = decodeCast(Buffer.from(body), LIMIT);
    expect(decoded).toMatchObject({ ok: false, fault: expect.stringContaining(member) });
  });
});
