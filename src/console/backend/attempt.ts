// SPDX-License-Identifier: Apache-2.0
// Which port of a hypervisor is dialled, with or without TLS, and what may be tried after a failure. Rules: once a
// TLS port is known and its verification fails, the plain port is never tried.
import { loggerFor } from '../../log.js';
import { BackendFailed } from '../connection/ends.js';
import type { BackendTarget, RelaySettings } from '../ipc.js';
import { LINK_ERR } from '../spice/constants.js';

const log = loggerFor('kerbside.console.backend');

/** One try: by which port of the backend, with TLS or without. */
export interface Attempt {
  readonly tls: boolean;
  /** null: the way there knows no ports. */
  readonly port: number | null;
  /** TLS may come later, within what was said in the clear: VNC's way. */
  readonly upgrades?: true;
}

/** `[proxy] backend_transport`. */
export type BackendTransport = RelaySettings['proxy']['backendTransport'];

type Policy = BackendTransport;

/**
 * What to try first. The console's own transport wins over the policy.
 *
 * @throws BackendFailed `no_address`, or `tls_required` when the policy wants TLS and no TLS port is known
 */
export function firstAttempt(target: BackendTarget, configured: Policy): Attempt {
  if (target.protocol === 'vnc') return { ...(plainAttempt(target) ?? missing()), upgrades: true };
  const policy = effective(target, configured);
  if (hasNoPorts(target)) return { tls: wantsTls(target, policy), port: null };
  const plain = plainAttempt(target);
  const secure = tlsAttempt(target);
  if (policy === 'plain') return plain ?? secure ?? missing();
  if (secure !== null) return secure;
  if (policy === 'require_tls') {
    throw new BackendFailed('tls_required', 'TLS is required and the console has no TLS port');
  }
  return plain ?? missing();
}

/** What to try after `failure`; null: nothing. */
export function nextAttempt(
  target: BackendTarget,
  configured: Policy,
  tried: readonly Attempt[],
  failure: BackendFailed,
): Attempt | null {
  const last = tried.at(-1);
  if (last === undefined || tried.length > 1) return null;
  if (!last.tls && failure.linkError === LINK_ERR.NEED_SECURED) {
    const secure = tlsAttempt(target);
    if (secure !== null)
      log.info('hypervisor requires TLS; retrying backend connection over the secure port');
    return secure;
  }
  if (last.tls && effective(target, configured) === 'prefer_tls') return plainAfterTls(target, failure);
  return null;
}

/**
 * The host and the port of a try on a way that has such.
 * @throws BackendFailed `no_address`
 */
export function addressOf(target: BackendTarget, { port }: Attempt): { host: string; port: number } {
  const host = target.hypervisorIp !== '' ? target.hypervisorIp : target.hypervisor;
  if (host === '' || port === null) missing();
  return { host, port };
}

/**
 * Plain is tried only where nothing of TLS went wrong: nobody listens, or the server itself asks for plain. Behind a proxy or
 * a socket nobody can tell a port that is not in use from a way that is closed.
 */
function plainAfterTls(target: BackendTarget, failure: BackendFailed): Attempt | null {
  const unused = failure.reason === 'refused' && target.route === null;
  if (!unused && failure.linkError !== LINK_ERR.NEED_UNSECURED) return null;
  const plain = plainAttempt(target);
  if (plain !== null)
    log.warning('the TLS port of the hypervisor is not in use; retrying over the plain port');
  return plain;
}

function effective(target: BackendTarget, configured: Policy): Policy {
  if (target.transport === null) return configured;
  return target.transport === 'tls' ? 'require_tls' : 'plain';
}

function hasNoPorts({ route }: BackendTarget): boolean {
  switch (route?.kind) {
    case 'unix_socket':
    case 'websocket':
      return true;
    case 'ssh':
      return route.path !== undefined;
    case 'connect_proxy':
    case undefined:
      return false;
  }
}

function wantsTls({ hostSubject }: BackendTarget, policy: Policy): boolean {
  return policy === 'require_tls' || (policy === 'prefer_tls' && hostSubject !== null);
}

function plainAttempt(target: BackendTarget): Attempt | null {
  const { insecurePort } = target;
  if (hasNoPorts(target)) return { tls: false, port: null };
  return insecurePort === null ? null : { tls: false, port: insecurePort };
}

function tlsAttempt(target: BackendTarget): Attempt | null {
  const { securePort } = target;
  if (hasNoPorts(target)) return { tls: true, port: null };
  return securePort === null ? null : { tls: true, port: securePort };
}

function missing(): never {
  throw new BackendFailed('no_address', 'the console has no address or no port');
}
