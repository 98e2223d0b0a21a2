// SPDX-License-Identifier: Apache-2.0
// The usual way: a TCP connection to the SPICE port of the hypervisor.
import { addressOf, type Attempt } from '../attempt.js';
import type { BackendTarget } from '../../ipc.js';
import type { Route } from '../route.js';

/** @throws BackendFailed `no_address` */
export function directRoute(target: BackendTarget, attempt: Attempt): Route {
  const { host, port } = addressOf(target, attempt);
  return { dialled: { host, port }, certifiedHost: host, shown: { address: host, port } };
}
