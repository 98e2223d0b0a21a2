// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { syslogFrame, syslogMessage } from '../../../src/audit/syslog-message.js';
import type { SealedEvent } from '../../../src/objects/audit-digest.js';
import { VERSION } from '../../../src/version.js';
import { sealedEvent } from '../../fixtures/sealed-event.js';

const text = (event: Partial<SealedEvent> = {}): string =>
  syslogMessage(sealedEvent(event), 'audit', 'node-a');
const NOTHING = { node: null, pid: null, service: null };

describe('an audit event as a syslog message', () => {
  it('has the header of RFC 5424 and the event as JSON', () => {
    const event = sealedEvent({ timestamp: 1_800_000_000.25, position: 7 });
    expect(syslogMessage(event, 'local3', 'node-a')).toBe(
      '<158>1 2027-01-15T08:00:00.250Z node-1 kerbside-proxy 42 start ' +
        `[meta sequenceId="7"][origin software="kerbside" swVersion="${VERSION}"] ` +
        JSON.stringify({
          ...{ position: 7, previous: event.previous, digest: event.digest },
          ...Object.fromEntries(
            Object.entries(event).filter(([name]) => !['position', 'previous', 'digest'].includes(name)),
          ),
        }),
    );
  });

  it('has the node of the conductor and the nil value for what is not known', () => {
    expect(text({ ...NOTHING })).toMatch(/^<110>1 \S+ node-a kerbside - start \[meta/);
  });

  it('is a warning when something was refused', () => {
    expect(text({ message: 'Channel refused: expired' })).toMatch(
      /^<108>1 \S+ node-1 kerbside-proxy 42 deny /,
    );
  });

  it('is ASCII in one line, whatever an event says', () => {
    const message = 'kůň 🐎\n\r\u0000\u2028"]\\';
    const made = text({ message, node: 'n ode\n\u00e9]"', service: 'x'.repeat(64) });
    expect(made).toMatch(/^[ -~]+$/);
    expect(made.split(' ').slice(2, 4)).toEqual(['n_ode__]"', 'x'.repeat(48)]);
    expect((JSON.parse(made.slice(made.indexOf('{'))) as { message: string }).message).toBe(message);
  });

  it.each([
    [1, 1],
    [2_147_483_647, 2_147_483_647],
    [2_147_483_648, 1],
  ])('of position %d has sequence id %d', (position, sequence) => {
    expect(text({ position })).toContain(`[meta sequenceId="${sequence}"]`);
  });

  it('has its length in bytes before it in the stream', () => {
    const frame = syslogFrame(sealedEvent({ message: 'kůň 🐎' }), 'audit', 'node-a');
    const [, length, message = ''] = /^(\d+) (.*)$/s.exec(frame) ?? [];
    expect(Number(length)).toBe(Buffer.byteLength(message, 'utf8'));
  });
});
