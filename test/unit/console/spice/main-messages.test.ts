// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  guestUuid,
  initSessionId,
  notifyText,
  withInitSessionId,
} from '../../../../src/console/spice/main-messages.js';
import { captured, captures } from '../../../fixtures/captures.js';

function recorded(name: string): Buffer {
  return captured(captures.messages.find((message) => message.name === name)!);
}

describe('the session id of MAIN_INIT', () => {
  it('is read and replaced in a copy, nothing else changes', () => {
    const body = recorded('main-init').subarray(6);
    expect(initSessionId(body)).toBe(body.readUInt32LE(0));
    const changed = withInitSessionId(body, 0xfeedf00d);
    expect(changed.readUInt32LE(0)).toBe(0xfeedf00d);
    expect(changed.subarray(4)).toEqual(body.subarray(4));
    expect(body).toEqual(recorded('main-init').subarray(6));
  });
});

describe('the UUID of MAIN_UUID', () => {
  it('is what the recorded guest showed, and none when there are not 16 bytes', () => {
    const body = recorded('main-uuid').subarray(6);
    expect(guestUuid(body)).toBe(body.toString('hex'));
    expect(guestUuid(body.subarray(1))).toBeNull();
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
