// SPDX-License-Identifier: Apache-2.0
// Every migration, oldest first: an explicit list, so that what runs is what is read here.
// A new one is a file `<epoch milliseconds>-<slug>.ts` beside this, and one line below. Never change one that was released.
import type { MigrationInterface } from 'typeorm';
import { Initial1763640000000 } from './1763640000000-initial.js';
import { NovaConsoles1763643600000 } from './1763643600000-nova-consoles.js';
import { Cluster1763730000000 } from './1763730000000-cluster.js';
import { BusyConsoles1764406800000 } from './1764406800000-busy-consoles.js';
import { AuditFacts1764414000000 } from './1764414000000-audit-facts.js';
import { PacingMode1764421200000 } from './1764421200000-pacing-mode.js';
import { MessageScreen1764424800000 } from './1764424800000-message-screen.js';
import { ConsoleRoutes1764432000000 } from './1764432000000-console-routes.js';
import { UsedTokens1764439200000 } from './1764439200000-used-tokens.js';
import { OwnSettings1764442800000 } from './1764442800000-own-settings.js';
import { Search1764446400000 } from './1764446400000-search.js';
import { Groups1764450000000 } from './1764450000000-groups.js';
import { ConcurrentSessions1764453600000 } from './1764453600000-concurrent-sessions.js';
import { LiveMigration1764493200000 } from './1764493200000-live-migration.js';
import { ConsoleProtocol1764500400000 } from './1764500400000-console-protocol.js';
import { AuditChain1764504000000 } from './1764504000000-audit-chain.js';

/** The migrations in the order in which they run. */
export const MIGRATIONS: readonly (new () => MigrationInterface & { readonly name: string })[] = [
  Initial1763640000000,
  NovaConsoles1763643600000,
  Cluster1763730000000,
  BusyConsoles1764406800000,
  AuditFacts1764414000000,
  PacingMode1764421200000,
  MessageScreen1764424800000,
  ConsoleRoutes1764432000000,
  UsedTokens1764439200000,
  OwnSettings1764442800000,
  Search1764446400000,
  Groups1764450000000,
  ConcurrentSessions1764453600000,
  LiveMigration1764493200000,
  ConsoleProtocol1764500400000,
  AuditChain1764504000000,
];
