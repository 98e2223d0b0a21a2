// SPDX-License-Identifier: Apache-2.0
// Where a guest was moved to, as its hypervisor said on the wire: kept with the session, and put in place of the console's
// address as long as that is the one which the guest has left.
import type { ConsoleAddress } from '../db/api/session-migrations.js';
import type { ConsoleRow } from '../db/models/console.js';
import type { ConnectInfo } from './connect-info.js';

/** The destination of a migration. */
export interface MigrationTarget {
  /** Name or address, as the hypervisor gave it. */
  readonly host: string;
  /** The address that was judged, and is dialled. */
  readonly address: string;
  readonly port: number | null;
  readonly tlsPort: number | null;
  /** The subject that its certificate must have; null: it must name the host. */
  readonly subject: string | null;
}

/** The text of a row. @param from the console's address now */
export function migrationTargetText(target: MigrationTarget, from: ConsoleAddress): string {
  const { host, address, port, tlsPort: tls_port, subject } = target;
  return JSON.stringify({ host, address, port, tls_port, subject, from: placeOf(from) });
}

/** The destination in a row's text; null: there is none. */
export function migrationTargetIn(text: string | null): (MigrationTarget & { from: string }) | null {
  if (text === null) return null;
  const { host, address, port, tls_port, subject, from } = JSON.parse(text) as Record<string, unknown>;
  return {
    host: String(host),
    address: String(address),
    port: typeof port === 'number' ? port : null,
    tlsPort: typeof tls_port === 'number' ? tls_port : null,
    subject: typeof subject === 'string' ? subject : null,
    from: String(from),
  };
}

/** Whether a target holds for a console that is here: it does until the records know a newer place. */
export function holdsFor({ from }: { readonly from: string }, address: ConsoleAddress): boolean {
  return from === placeOf(address);
}

/** How the guest is reached at the destination; ticket, CA and the proxy on the way stay. */
export function movedTo(info: ConnectInfo, target: MigrationTarget): ConnectInfo {
  const { hypervisor, hypervisor_ip, insecure_port, secure_port, host_subject } = addressOf(target);
  const moved: ConnectInfo = {
    ...info,
    hypervisor,
    hypervisorIp: hypervisor_ip,
    insecurePort: insecure_port,
    securePort: secure_port,
    hostSubject: host_subject,
  };
  // The socket was of the host that the guest has left.
  if (moved.route?.kind === 'unix_socket') delete moved.route;
  return moved;
}

/** The destination as the columns of a console. */
export function addressOf(target: MigrationTarget): ConsoleAddress & Pick<ConsoleRow, 'host_subject'> {
  return {
    hypervisor: target.host,
    hypervisor_ip: target.address,
    insecure_port: target.port,
    secure_port: target.tlsPort,
    host_subject: target.subject,
  };
}

function placeOf({ hypervisor, hypervisor_ip, insecure_port, secure_port }: ConsoleAddress): string {
  return [hypervisor, hypervisor_ip, insecure_port ?? '', secure_port ?? ''].join(' ');
}
