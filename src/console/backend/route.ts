// SPDX-License-Identifier: Apache-2.0
// Which port of a hypervisor is dialled, with or without TLS, and what may be tried after a failure. Rules: once a
// TLS port is known and its verification fails, the plain port is never tried.
import { loggerFor } from '../../log.js';
import { BackendFailed } from '../connection/ends.js';
import type { BackendTarget, RelaySettings } from '../ipc.js';
import { LINK_ERR } from '../spice/constants.js';

const log = loggerFor('kerbside.console.backend');

/** One way to a backend. */
export interface Route {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
}

type Policy = RelaySettings['proxy']['backendTransport'];

/**
 * Where to dial first. The console's own transport wins over the policy.
 *
 * @throws BackendFailed `no_address`, or `tls_required` when the policy wants TLS and no TLS port is known
 */
export function firstRoute(target: BackendTarget, configured: Policy): Route {
  const policy = effective(target, configured);
  const plain = plainRoute(target);
  const secure = tlsRoute(target);
  if (policy === 'plain') return plain ?? secure ?? missing();
  if (secure !== null) return secure;
  if (policy === 'require_tls') {
    throw new BackendFailed('tls_required', 'TLS is required and the console has no TLS port');
  }
  return plain ?? missing();
}

/** Where to dial after `failure`; null: nowhere. */
export function nextRoute(
  target: BackendTarget,
  configured: Policy,
  tried: readonly Route[],
  failure: BackendFailed,
): Route | null {
  const last = tried.at(-1);
  if (last === undefined || tried.length > 1) return null;
  if (!last.tls && failure.linkError === LINK_ERR.NEED_SECURED) {
    const secure = tlsRoute(target);
    if (secure !== null)
      log.info('hypervisor requires TLS; retrying backend connection over the secure port');
    return secure;
  }
  if (last.tls && effective(target, configured) === 'prefer_tls') return plainAfterTls(target, failure);
  return null;
}

/** Plain is tried only where nothing of TLS went wrong: nobody listens, or the server itself asks for plain. */
function plainAfterTls(target: BackendTarget, failure: BackendFailed): Route | null {
  if (failure.reason !== 'refused' && failure.linkError !== LINK_ERR.NEED_UNSECURED) return null;
  const plain = plainRoute(target);
  if (plain !== null)
    log.warning('the TLS port of the hypervisor is not in use; retrying over the plain port');
  return plain;
}

function effective(target: BackendTarget, configured: Policy): Policy {
  if (target.transport === null) return configured;
  return target.transport === 'tls' ? 'require_tls' : 'plain';
}

function plainRoute(target: BackendTarget): Route | null {
  return target.insecurePort === null
    ? null
    : { tls: false, host: hostOf(target), port: target.insecurePort };
}

function tlsRoute(target: BackendTarget): Route | null {
  return target.securePort === null ? null : { tls: true, host: hostOf(target), port: target.securePort };
}

function hostOf(target: BackendTarget): string {
  return target.hypervisorIp !== ''
    ? target.hypervisorIp
    : target.hypervisor !== ''
      ? target.hypervisor
      : missing();
}

function missing(): never {
  throw new BackendFailed('no_address', 'the console has no address or no port');
}
