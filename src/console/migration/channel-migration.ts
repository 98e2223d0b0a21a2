// SPDX-License-Identifier: Apache-2.0
// A channel beside the main one, in a live migration: its hypervisor ends it (MIGRATE), may give the client its state
// (MIGRATE_DATA), and the client hands that to the destination (MIGRATE_DATA there). Outside of that nobody may send these: a
// client that does would put a state of its own making into a hypervisor, which reads it without a doubt, and a hypervisor
// could make a client give up a channel. Only headers are looked at, so that the channel streams on.
import type { Grant, SessionSettings } from '../ipc.js';
import {
  PASS,
  refuse,
  unseenBut,
  type Direction,
  type HeaderAnswer,
  type Interest,
  type Refusal,
  type Stage,
} from '../relay/stage.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';

const UP = CLIENT_MESSAGE.common;
const DOWN = SERVER_MESSAGE.common;

/**
 * Bytes of the largest state of a channel: what a USB or smartcard channel has under way is all that is large in it
 * [spice-server spicevmc.cpp, smartcard.cpp].
 */
export const MAX_STATE_BYTES = 16 * 1024 * 1024;

/** Keeps the messages of migrations to migrations. */
export class ChannelMigration implements Stage {
  readonly name = 'migration-channel';
  readonly up: Interest = { headers: { unseen: unseenBut([UP.MIGRATE_DATA]), maxBodyBytes: Infinity } };
  readonly down: Interest = {
    headers: { unseen: unseenBut([DOWN.MIGRATE, DOWN.MIGRATE_DATA]), maxBodyBytes: Infinity },
  };
  /** Clients of the session have been told of migrations ahead: one that was announced goes on whatever the mode is now. */
  private seamless: boolean;
  /** The client may bring the state of the channel at the source, once. */
  private awaitsState: boolean;
  /** The hypervisor has ended the channel: its state may follow, once. */
  private moved = false;
  private gave = false;

  constructor({ migration }: Pick<Grant, 'migration'>, settings: SessionSettings) {
    this.awaitsState = migration !== null;
    this.seamless = settings.migration.mode === 'seamless';
  }

  onSettings({ migration }: SessionSettings): void {
    if (migration.mode === 'seamless') this.seamless = true;
  }

  onHeader(direction: Direction, type: number, size: number): HeaderAnswer {
    if (direction === 'up') return this.brings(size);
    return type === DOWN.MIGRATE ? this.moves() : this.gives(size);
  }

  private moves(): HeaderAnswer {
    if (!this.seamless || this.moved)
      return refuse(
        'migrate',
        'the hypervisor ends a channel for a migration that its client was not told of',
      );
    this.moved = true;
    return PASS;
  }

  private gives(size: number): HeaderAnswer {
    if (!this.moved || this.gave)
      return refuse('migrate_data', 'the hypervisor gives the state of a channel that does not migrate');
    this.gave = true;
    return tooLarge(size) ?? PASS;
  }

  private brings(size: number): HeaderAnswer {
    if (!this.awaitsState)
      return refuse('migrate_data', 'the client brings the state of a channel that nobody asked for');
    this.awaitsState = false;
    return tooLarge(size) ?? PASS;
  }
}

function tooLarge(size: number): Refusal | null {
  return size > MAX_STATE_BYTES
    ? refuse('migrate_data', `the state of a channel has ${size} bytes, the limit is ${MAX_STATE_BYTES}`)
    : null;
}
