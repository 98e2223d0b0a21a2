// SPDX-License-Identifier: Apache-2.0
// A console as its platform reports it, as the API shows it, and as the data plane needs it: what each makes of the row.
import type { ShownConsoleRow } from '../db/api/consoles.js';
import type { Database } from '../db/database.js';
import type { ConsoleRow } from '../db/models/console.js';
import { ticketContext } from '../db/encryption-contexts.js';
import { protocolIn, type ConsoleProtocol } from './console-protocol.js';
import { connectProxyOf, type ConnectInfo, type ConsoleRoute } from './connect-info.js';
import { settingsIn, type OwnSettings } from './own-settings.js';
import { textsIn } from './row-json.js';

/** A console as a source driver reports it. `ticket` is a secret, encrypted at rest. */
export interface DiscoveredConsole {
  uuid: string;
  name: string;
  hypervisor: string;
  hypervisorIp: string;
  insecurePort: number | null;
  securePort: number | null;
  hostSubject: string | null;
  ticket: string;
  /** The project and user that own the instance, where the platform has such. */
  projectId?: string | null | undefined;
  userId?: string | null | undefined;
  /** The platform's word for what the instance does, such as Nova's `ACTIVE`, and the host that it runs on. */
  instanceState?: string | null | undefined;
  instanceHost?: string | null | undefined;
  /** The host that the address is of, when that is not instanceHost any more. */
  addressHost?: string | null | undefined;
  /** The address may be another machine's by now. */
  addressStale?: boolean | undefined;
  /** What it says for itself; of what it does not say, its source's holds. */
  settings?: OwnSettings | undefined;
  /** `http://host:port` of the HTTP proxy that connects to it. */
  connectProxy?: string | null | undefined;
  /** Path of the unix socket, on this host, that it listens on. */
  unixSocket?: string | null | undefined;
  /** What its server speaks; absent: SPICE. */
  protocol?: ConsoleProtocol | undefined;
  /** What the platform calls it by beside its name, as `pool:lab`; `access` may name these. */
  tags?: readonly string[] | undefined;
  /** The time of the last event of the instance, epoch seconds by the platform's clock. Read only. */
  instanceEventAt?: number | null | undefined;
}

/** Which console it is, and whose. */
export interface ConsoleIdentity {
  readonly source: string;
  readonly uuid: string;
  readonly name: string | null;
  /** null on platforms without projects. */
  readonly projectId: string | null;
  /** Which list of access holds for it; null: none. */
  readonly accessId: string | null;
  readonly protocol: ConsoleProtocol;
  /** false: sources.yaml has lost its source. */
  readonly sourceIsThere: boolean;
}

/** A console as the API shows it: no ticket. */
export interface Console {
  source: string;
  uuid: string;
  name: string | null;
  hypervisor: string;
  hypervisorIp: string;
  insecurePort: number | null;
  securePort: number | null;
  hostSubject: string | null;
  protocol: ConsoleProtocol;
  /** null on platforms without projects. */
  projectId: string | null;
  /** Which list of access holds for it; null: none. */
  accessId: string | null;
  userId: string | null;
  instanceState: string | null;
  instanceHost: string | null;
  /** Epoch seconds. */
  discovered: number;
  /** Sessions that have an open channel. */
  sessionIds: string[];
  /** Tokens that open a channel now: neither expired nor spent, or in use. */
  tokenCount: number;
}

/** A console's row with its source's CA, as the data plane needs it. */
export function toConnectInfo(
  db: Database,
  row: Pick<
    ConsoleRow,
    | 'source'
    | 'uuid'
    | 'hypervisor'
    | 'hypervisor_ip'
    | 'insecure_port'
    | 'secure_port'
    | 'host_subject'
    | 'ticket'
    | 'connect_proxy'
    | 'unix_socket'
    | 'protocol'
  > & { ca_cert: string | null },
): ConnectInfo {
  const route = routeOf(row);
  return {
    hypervisor: row.hypervisor,
    hypervisorIp: row.hypervisor_ip,
    insecurePort: row.insecure_port,
    securePort: row.secure_port,
    ticket: openTicket(db, row),
    caCert: row.ca_cert,
    hostSubject: row.host_subject,
    ...(protocolIn(row.protocol) === 'vnc' ? { protocol: 'vnc' } : {}),
    ...(route === null ? {} : { route }),
  };
}

function routeOf({
  connect_proxy: proxy,
  unix_socket: path,
}: Pick<ConsoleRow, 'connect_proxy' | 'unix_socket'>): ConsoleRoute | null {
  if (path !== null) return { kind: 'unix_socket', path };
  return proxy === null ? null : connectProxyOf(proxy);
}

/** A console as it was last reported. */
export function toDiscovered(db: Database, row: ConsoleRow): DiscoveredConsole {
  return {
    uuid: row.uuid,
    name: row.name ?? row.uuid,
    hypervisor: row.hypervisor,
    hypervisorIp: row.hypervisor_ip,
    insecurePort: row.insecure_port,
    securePort: row.secure_port,
    hostSubject: row.host_subject,
    ticket: openTicket(db, row),
    projectId: row.project_id,
    userId: row.user_id,
    instanceState: row.instance_state,
    instanceHost: row.instance_host,
    ...(row.address_host === null ? {} : { addressHost: row.address_host }),
    ...(row.address_stale === 1 ? { addressStale: true } : {}),
    ...(row.connect_proxy === null ? {} : { connectProxy: row.connect_proxy }),
    ...(row.unix_socket === null ? {} : { unixSocket: row.unix_socket }),
    ...(row.protocol === null ? {} : { protocol: protocolIn(row.protocol) }),
    ...(row.settings === null ? {} : { settings: settingsIn(row.settings) }),
    ...(row.tags === null ? {} : { tags: tagsIn(row.tags) }),
    ...(row.instance_event_at === null ? {} : { instanceEventAt: row.instance_event_at }),
  };
}

/** The text of a row; null for none. The same tags give the same text, whatever their order. */
export function tagsText(tags: readonly string[] = []): string | null {
  return tags.length === 0 ? null : JSON.stringify([...new Set(tags)].sort());
}

/** The tags that a row keeps. */
export function tagsIn(text: string | null): string[] {
  return text === null ? [] : textsIn(text);
}

/** The ticket in clear: a secret. '' for none. */
export function openTicket(db: Database, row: Pick<ConsoleRow, 'source' | 'uuid' | 'ticket'>): string {
  return row.ticket === null ? '' : db.cipher.open(ticketContext(row.source, row.uuid), row.ticket);
}

/** The tokens that hold for a console. */
export interface ConsoleTokensNow {
  /** Sessions that have an open channel. */
  readonly sessionIds: readonly string[];
  readonly count: number;
}

/** A console with the tokens that hold for it. */
export function toConsole(row: ShownConsoleRow, tokens: ConsoleTokensNow): Console {
  return {
    source: row.source,
    uuid: row.uuid,
    name: row.name,
    hypervisor: row.hypervisor,
    hypervisorIp: row.hypervisor_ip,
    insecurePort: row.insecure_port,
    securePort: row.secure_port,
    hostSubject: row.host_subject,
    protocol: protocolIn(row.protocol),
    projectId: row.project_id,
    accessId: row.access_id,
    userId: row.user_id,
    instanceState: row.instance_state,
    instanceHost: row.instance_host,
    discovered: row.discovered,
    sessionIds: [...tokens.sessionIds],
    tokenCount: tokens.count,
  };
}
