// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { BrokerFault, describeFault, inequivalent, replyCode } from '../../../src/messaging/broker-fault.js';

const coded = (message: string, code: string | number): Error => Object.assign(new Error(message), { code });

describe('a fault at the broker', () => {
  it.each([
    [new BrokerFault('no answer'), 'no answer'],
    [coded('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), 'connection refused'],
    [coded('whatever', 'CERT_HAS_EXPIRED'), 'its certificate has expired'],
    [
      new Error(
        'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"',
      ),
      'refused by the broker (user, password and permissions): ACCESS_REFUSED - Login was refused',
    ],
    [
      new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'),
      'the virtual host does not exist, or the user may not use it',
    ],
    [new Error('two\nlines'), 'two lines'],
    ['a text', 'unknown fault'],
    [undefined, 'unknown fault'],
  ])('%s is said in one line', (error, words) => {
    expect(describeFault(error)).toBe(words);
  });

  it('is never long', () => {
    expect(describeFault(new Error('x'.repeat(10_000))).length).toBeLessThan(300);
  });

  it('has a code and says what differs', () => {
    const error = coded(`PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'nova'`, 406);
    expect([replyCode(error), inequivalent(error)]).toEqual([406, 'durable']);
    expect([replyCode(new Error('x')), inequivalent(new Error('x'))]).toEqual([undefined, undefined]);
    expect(replyCode(coded('x', 'ECONNRESET'))).toBeUndefined();
  });
});
