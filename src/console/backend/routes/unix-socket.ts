// SPDX-License-Identifier: Apache-2.0
// A unix socket on this host, as QEMU listens on one with `-spice unix=on,addr=PATH`. It has no ports: TLS is spoken on it
// where a pin, or `require_tls`, asks for it.
import { BackendFailed } from '../../connection/ends.js';
import type { BackendRoute, BackendTarget } from '../../ipc.js';
import type { Route } from '../route.js';

const LOCAL_NAME = 'localhost';

type UnixSocket = Extract<BackendRoute, { kind: 'unix_socket' }>;

/** The way through the socket. */
export function unixSocketRoute({ path }: UnixSocket, { hypervisor }: BackendTarget): Route {
  const certifiedHost = hypervisor === '' ? LOCAL_NAME : hypervisor;
  return { dialled: { path }, certifiedHost, shown: { address: path }, fault: faultOf };
}

function faultOf({ code }: NodeJS.ErrnoException): BackendFailed | null {
  switch (code) {
    case 'ENOENT':
      return new BackendFailed('unreachable', 'the unix socket does not exist');
    case 'EACCES':
    case 'EPERM':
      return new BackendFailed(
        'unreachable',
        'this account may not open the unix socket; make it a member of its group, and start Kerbside again',
      );
    case 'ECONNREFUSED':
      return new BackendFailed('refused', 'nobody listens on the unix socket');
    case 'ENOTSOCK':
    case 'ENOTDIR':
    case 'EPROTOTYPE':
      return new BackendFailed('unreachable', 'the path is not one of a unix socket');
    case undefined:
    default:
      return null;
  }
}
