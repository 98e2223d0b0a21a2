// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { firstAttempt, nextAttempt, type Attempt } from '../../../../src/console/backend/attempt.js';
import { routeTo } from '../../../../src/console/backend/dial.js';
import { BackendFailed, type BackendFailureReason } from '../../../../src/console/connection/ends.js';
import type { BackendTarget } from '../../../../src/console/ipc.js';

const BOTH: BackendTarget = {
  ...{ hypervisor: 'hv', hypervisorIp: '192.0.2.1', insecurePort: 5900, securePort: 5901, ticket: 't' },
  ...{ caCert: null, hostSubject: null, transport: null, protocol: 'spice', route: null },
};
const PLAIN = { ...BOTH, securePort: null };
const SECURE = { ...BOTH, insecurePort: null };
const NOTHING = { ...PLAIN, insecurePort: null };

const plain: Attempt = { tls: false, port: 5900 };
const secure: Attempt = { tls: true, port: 5901 };

type Policy = 'prefer_tls' | 'require_tls' | 'plain';
const POLICIES: readonly Policy[] = ['prefer_tls', 'require_tls', 'plain'];

describe('the first attempt', () => {
  it.each<[Policy, BackendTarget['transport'], BackendTarget, Attempt | BackendFailureReason]>([
    ['prefer_tls', null, BOTH, secure],
    ['prefer_tls', null, PLAIN, plain],
    ['prefer_tls', null, SECURE, secure],
    ['prefer_tls', null, NOTHING, 'no_address'],
    ['require_tls', null, BOTH, secure],
    ['require_tls', null, PLAIN, 'tls_required'],
    ['require_tls', null, SECURE, secure],
    ['require_tls', null, NOTHING, 'tls_required'],
    ['plain', null, BOTH, plain],
    ['plain', null, PLAIN, plain],
    ['plain', null, SECURE, secure],
    ['plain', null, NOTHING, 'no_address'],
    ['plain', 'tls', BOTH, secure],
    ['prefer_tls', 'tls', PLAIN, 'tls_required'],
    ['require_tls', 'plain', BOTH, plain],
    ['prefer_tls', 'plain', SECURE, secure],
  ])('under %s, console %s', (policy, transport, target, expected) => {
    const dial = (): Attempt => firstAttempt({ ...target, transport }, policy);
    if (typeof expected === 'object') expect(dial()).toEqual(expected);
    else expect(dial).toThrow(expect.objectContaining({ reason: expected }));
  });

  it('goes to the name where there is no address, and nowhere without both', () => {
    expect(routeTo({ ...PLAIN, hypervisorIp: '' }, plain)).toMatchObject({
      dialled: { host: 'hv', port: 5900 },
    });
    expect(() => routeTo({ ...PLAIN, hypervisorIp: '', hypervisor: '' }, plain)).toThrow(
      expect.objectContaining({ reason: 'no_address' }),
    );
  });
});

const REASONS: readonly BackendFailureReason[] = [
  ...([
    'refused',
    'timed_out',
    'unreachable',
    'name_unknown',
    'no_resources',
    'reset',
    'wrong_ca',
    'wrong_subject',
    'wrong_host_name',
  ] as const),
  ...(['certificate_invalid', 'tls_failed', 'tls_required', 'no_address', 'wrong_ticket'] as const),
  ...(['proxy_refused', 'link_refused', 'protocol'] as const),
];

describe('the next attempt', () => {
  it('after a failed TLS port is the plain port only when nobody listened, under prefer_tls', () => {
    for (const policy of POLICIES) {
      for (const reason of REASONS) {
        const next = nextAttempt(BOTH, policy, [secure], new BackendFailed(reason, ''));
        expect([policy, reason, next]).toEqual([
          policy,
          reason,
          policy === 'prefer_tls' && reason === 'refused' ? plain : null,
        ]);
      }
    }
  });

  it('after NEED_UNSECURED is the plain port, under prefer_tls', () => {
    const failure = new BackendFailed('link_refused', '', 6);
    expect(nextAttempt(BOTH, 'prefer_tls', [secure], failure)).toEqual(plain);
    expect(nextAttempt(SECURE, 'prefer_tls', [secure], failure)).toBeNull();
    expect(nextAttempt(BOTH, 'require_tls', [secure], failure)).toBeNull();
    expect(nextAttempt({ ...BOTH, transport: 'tls' }, 'prefer_tls', [secure], failure)).toBeNull();
  });

  it('after NEED_SECURED is the TLS port, where one is known', () => {
    const failure = new BackendFailed('link_refused', '', 5);
    for (const policy of POLICIES) expect(nextAttempt(BOTH, policy, [plain], failure)).toEqual(secure);
    expect(nextAttempt(PLAIN, 'prefer_tls', [plain], failure)).toBeNull();
  });

  it('is none after any other failure of the plain port, and never a third one', () => {
    for (const reason of REASONS) {
      const failure = new BackendFailed(reason, '');
      expect(nextAttempt(BOTH, 'plain', [plain], failure)).toBeNull();
      expect(nextAttempt(BOTH, 'prefer_tls', [plain, secure], failure)).toBeNull();
      expect(nextAttempt(BOTH, 'prefer_tls', [], failure)).toBeNull();
    }
    expect(nextAttempt(BOTH, 'plain', [plain, secure], new BackendFailed('link_refused', '', 5))).toBeNull();
  });
});
