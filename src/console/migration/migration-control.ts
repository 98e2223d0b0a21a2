// SPDX-License-Identifier: Apache-2.0
// What the stages of live migration have of the control plane.
import type { Grant, MigrateReply, MigrateRequest, MigrationEvent } from '../ipc.js';
import type { MigrationDestination } from '../spice/migration-messages.js';

/** The control plane, as far as migrations concern it. */
export interface MigrationControl {
  /**
   * The hypervisor says where its guest goes (`begin`), or has gone (`switch`): whether the client is told, and what.
   * @throws ConnectionEnded when nobody answers
   */
  migrate(grant: Grant, news: MigrationNews, destination: MigrationDestination): Promise<MigrateReply>;
  /** The client goes over to this channel: the records must know before its first bytes go on. @throws ConnectionEnded */
  goOver(grant: Grant): Promise<void>;
  /**
   * The client says that its channels to the destination are open; false: one of them leads nowhere.
   * @throws ConnectionEnded when nobody answers
   */
  clientReady(grant: Grant): Promise<boolean>;
  /** Something has become of a migration that the client was told of. */
  happened(grant: Grant, event: MigrationEvent): void;
  /** A migration message was kept from the client. */
  withheld(grant: Grant, messageType: number): void;
}

/** What the hypervisor says, and what becomes of it. */
export type MigrationNews = Pick<MigrateRequest, 'step' | 'mode'>;
