// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { LimitExceeded, PeerMisbehaved } from '../../../../src/console/spice/errors.js';
import {
  initSessionId,
  MainDownStream,
  MAX_INSPECTED_BYTES,
  notifyText,
  rewriteInitSessionId,
} from '../../../../src/console/spice/main-messages.js';
import { captured, captures } from '../../../fixtures/captures.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

function recorded(name: string): Buffer {
  return captured(captures.messages.find((message) => message.name === name)!);
}

const MINI = { miniHeader: true };
const FULL = { miniHeader: false };

describe('MainDownStream', () => {
  it.each([
    'main-name',
    'main-uuid',
    'main-init',
    'main-notify',
    'main-migrate-begin',
    'main-migrate-begin-seamless',
    'main-migrate-switch-host',
  ])('hands over the recorded %s whole, however it is split', (name) => {
    const bytes = recorded(name);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const stream = new MainDownStream(true);
      const events = [...stream.push(bytes.subarray(0, cut)), ...stream.push(bytes.subarray(cut))];
      expect(events).toEqual([
        { type: 'message', messageType: bytes.readUInt16LE(0), bytes, body: bytes.subarray(6) },
      ]);
    }
  });

  it.each(['main-ping', 'main-channels-list', 'main-agent-announce-guest'])(
    'lets the recorded %s stream by, however it is split',
    (name) => {
      const bytes = recorded(name);
      for (let cut = 1; cut < bytes.length; cut += 1) {
        const stream = new MainDownStream(true);
        const events = [...stream.push(bytes.subarray(0, cut)), ...stream.push(bytes.subarray(cut))];
        expect(events.map(({ type }) => type)).not.toContain('message');
        expect(Buffer.concat(events.map((event) => event.bytes))).toEqual(bytes);
        expect(events.map((event) => event.type === 'pass' && event.begins)).toEqual(
          events.map((_event, index) => index === 0),
        );
      }
    },
  );

  it('hands over an inspected message without a body', () => {
    const bytes = encodeMessage(7, Buffer.alloc(0), MINI);
    const split = new MainDownStream(true);
    const events = [...split.push(bytes.subarray(0, 3)), ...split.push(bytes.subarray(3))];
    expect(events).toEqual(new MainDownStream(true).push(bytes));
    expect(events).toMatchObject([{ type: 'message', messageType: 7 }]);
  });

  it('refuses nested messages, which could hide one that a rule must see', () => {
    const list = encodeMessage(8, Buffer.alloc(20), MINI);
    expect(() => new MainDownStream(true).push(list)).toThrow(PeerMisbehaved);
    const carrier = encodeMessage(106, Buffer.alloc(20), { ...FULL, subList: 4 });
    expect(() => new MainDownStream(false).push(carrier)).toThrow(PeerMisbehaved);
    expect(new MainDownStream(false).push(encodeMessage(106, Buffer.alloc(20), FULL))).toHaveLength(1);
  });

  it('refuses an inspected message that is too large to keep, before its body comes', () => {
    const header = encodeMessage(7, Buffer.alloc(MAX_INSPECTED_BYTES + 1), MINI).subarray(0, 6);
    expect(() => new MainDownStream(true).push(header)).toThrow(LimitExceeded);
    const largest = encodeMessage(7, Buffer.alloc(MAX_INSPECTED_BYTES), MINI);
    expect(new MainDownStream(true).push(largest)).toMatchObject([{ type: 'message' }]);
  });

  it('refuses a MAIN_INIT that is too short to hold its fields', () => {
    expect(() => new MainDownStream(true).push(encodeMessage(103, Buffer.alloc(31), MINI))).toThrow(
      PeerMisbehaved,
    );
  });
});

describe('the session id of MAIN_INIT', () => {
  it('is read and replaced in place, nothing else changes', () => {
    const bytes = recorded('main-init');
    const [event] = new MainDownStream(true).push(Buffer.from(bytes));
    const message = event?.type === 'message' ? event : null;
    expect(initSessionId(message!.body)).toBe(bytes.readUInt32LE(6));
    rewriteInitSessionId(message!.body, 0xfeedf00d);
    expect(message!.bytes.readUInt32LE(6)).toBe(0xfeedf00d);
    expect(message!.bytes.subarray(10)).toEqual(bytes.subarray(10));
  });
});

describe('the text of NOTIFY', () => {
  it('is what the recorded server said', () => {
    expect(notifyText(recorded('main-notify').subarray(6))).toBe('keyboard channel is insecure');
  });

  it('ends with the body, whatever length is claimed', () => {
    const body = Buffer.concat([Buffer.alloc(20), Buffer.of(0xff, 0xff, 0xff, 0xff), Buffer.from('short')]);
    expect(notifyText(body)).toBe('short');
    expect(notifyText(body.subarray(0, 23))).toBe('');
  });
});
