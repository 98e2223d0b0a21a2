// SPDX-License-Identifier: Apache-2.0
// A console: one virtual machine's SPICE server as a source reported it.
import type { Database } from '../db/database.js';
import type { ConnectInfo } from './connect-info.js';
import type { Page, PageRequest } from './page.js';

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
  /** Epoch seconds. */
  discovered: number;
  /** Sessions whose token has not been spent, terminated or reaped. */
  sessionIds: string[];
  tokenCount: number;
}

/** uuids by what happened to them. */
export interface Reconciliation {
  added: string[];
  changed: string[];
  removed: string[];
}

export declare class Consoles {
  constructor(db: Database, options?: { now?: () => number; node?: string; pid?: number });
  /** Makes the source's rows equal to what was discovered, and audits every difference. */
  reconcile(source: string, discovered: readonly DiscoveredConsole[]): Promise<Reconciliation>;
  /** Removes all consoles of a source that left the configuration; audits 'Source no longer available'. */
  removeOfSource(source: string): Promise<string[]>;
  /** By source and uuid. */
  list(page: PageRequest): Promise<Page<Console>>;
  find(source: string, uuid: string): Promise<Console | null>;
  /** The console's address with its decrypted ticket and the source's CA; null when the console is gone. */
  connectInfo(source: string, uuid: string): Promise<ConnectInfo | null>;
}
