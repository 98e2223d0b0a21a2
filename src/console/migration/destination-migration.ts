// SPDX-License-Identifier: Apache-2.0
// The main channel that a client opens to the destination of a migration, while the one to the source lives. The client goes
// over with its first MIGRATE_DATA (seamless), or with MIGRATE_END: from then on this is the session's main channel, which the
// records must know before the destination does. Until then the destination has nothing to hear but the question whether it
// can take over.
import type { Grant } from '../ipc.js';
import {
  PASS,
  refuse,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Stage,
} from '../relay/stage.js';
import { CLIENT_MESSAGE } from '../spice/message-types.js';
import type { MigrationControl } from './migration-control.js';

const { MIGRATE_DATA } = CLIENT_MESSAGE.common;
const { MIGRATE_END, MIGRATE_DST_DO_SEAMLESS } = CLIENT_MESSAGE.main;

/** Bytes of the largest state that a client carries over: spice-server's is 65, and the agent's part in work [reds.cpp]. */
const MAX_BODY_BYTES = 1024 * 1024;

const UP: Interest = {
  bodies: {
    types: new Set([MIGRATE_DATA, MIGRATE_END, MIGRATE_DST_DO_SEAMLESS]),
    maxBodyBytes: MAX_BODY_BYTES,
  },
};

/** Sees a client go over. */
export class DestinationMigration implements Stage {
  readonly name = 'migration-destination';
  readonly up = UP;
  private over: boolean;

  constructor(
    private readonly grant: Grant,
    private readonly control: MigrationControl,
  ) {
    this.over = grant.migration === null;
  }

  onMessage(_direction: Direction, { type }: Message): Answer | Promise<Answer> {
    // spice-server ends a channel of which it awaits none of these [main-channel-client.cpp].
    if (this.over) return refuse('migrate_data', `message type ${type} belongs to no migration`);
    if (type === MIGRATE_DST_DO_SEAMLESS) return PASS;
    this.over = true;
    return this.goOver();
  }

  private async goOver(): Promise<Answer> {
    await this.control.goOver(this.grant);
    return PASS;
  }
}
