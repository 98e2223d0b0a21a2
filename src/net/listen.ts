// SPDX-License-Identifier: Apache-2.0
// Listening: the one way in which every server of Kerbside gets its port, and what an operator reads when it does not.
import type { AddressInfo, Server } from 'node:net';
import { StartupError } from '../exception.js';
import type { Logger } from '../log.js';

/** Where a server listens, and what the log and a fault call that. */
export interface ListenPlace {
  /** An address of this host; `::` means all, and where the host has no IPv6 all of IPv4. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** How the configuration names it: `[api] address, port`. */
  readonly option: string;
  /** Connections that wait to be accepted; Node's 511 when absent. */
  readonly backlog?: number;
  /** Hears of faults after the start, such as too few file descriptors for a new connection. */
  readonly log: Pick<Logger, 'error'>;
}

const NO_IPV6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL'];

/**
 * Listens.
 *
 * @returns the address and the port that it got
 * @throws StartupError naming option, address, port, fault and remedy
 */
export async function listen(server: Server, place: ListenPlace): Promise<AddressInfo> {
  const { host, port, backlog } = place;
  const error = await attempt(server, { host, port, backlog });
  if (error === null) {
    // Without a listener a failed accept (no file descriptor left) would end the process.
    server.on('error', (fault) => place.log.error('listener fault', { error: fault }));
    return server.address() as AddressInfo;
  }
  const { code = error.message } = error;
  if (host === '::' && NO_IPV6.includes(code)) return listen(server, { ...place, host: '0.0.0.0' });
  throw new StartupError(
    `${place.option}: cannot listen on ${host} port ${String(port)} (${code}): ${remedy(code)}`,
    { cause: error },
  );
}

function attempt(
  server: Server,
  options: { readonly host: string; readonly port: number; readonly backlog: number | undefined },
): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const settle = (outcome: NodeJS.ErrnoException | null): void => {
      server.off('error', settle);
      server.off('listening', onListening);
      resolve(outcome);
    };
    const onListening = (): void => settle(null);
    server.once('error', settle);
    server.once('listening', onListening);
    server.listen(options);
  });
}

function remedy(code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is taken by another program; stop it or choose another port';
    case 'EACCES':
      return 'permission denied; choose a port above 1023 or grant CAP_NET_BIND_SERVICE';
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return 'this host does not have the address; choose one that it has';
    default:
      return 'choose another address or port';
  }
}
