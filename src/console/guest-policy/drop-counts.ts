// SPDX-License-Identifier: Apache-2.0
// What was kept back for a guest policy, counted by key and direction: of one channel until it ends, and of all channels of a
// worker until the next report.
import type { PolicyDrop } from '../ipc.js';
import type { PolicyKey } from '../guest-channels.js';
import type { Direction } from '../relay/stage.js';

const DIRECTIONS = { up: 'client_to_server', down: 'server_to_client' } as const;

/** Counts messages that were kept back. */
export class DropCounts {
  private counts: Map<string, PolicyDrop> | null = null;

  /** @param total counts them as well; null: nothing does */
  constructor(private readonly total: DropCounts | null = null) {}

  /** One more message was kept back. */
  add(key: PolicyKey, direction: Direction): void {
    this.counts ??= new Map();
    const name = `${key} ${direction}`;
    const count = (this.counts.get(name)?.count ?? 0) + 1;
    this.counts.set(name, { key, direction: DIRECTIONS[direction], count });
    this.total?.add(key, direction);
  }

  /** What was counted. */
  list(): PolicyDrop[] {
    return [...(this.counts?.values() ?? [])];
  }

  /** What was counted since the last call; null: nothing. */
  take(): PolicyDrop[] | null {
    if (this.counts === null) return null;
    const drops = this.list();
    this.counts = null;
    return drops;
  }
}
