// SPDX-License-Identifier: Apache-2.0
// Broken rules of one channel, counted until its close is recorded.
import type { Verdict } from '../ipc.js';
import type { Direction } from './stage.js';

const DIRECTIONS = { up: 'client_to_server', down: 'server_to_client' } as const;

/** Counts verdicts by direction, rule and action. */
export class VerdictCounts {
  private counts: Map<string, Verdict> | null = null;

  /** @param channel the channel's name, as the metric has it */
  constructor(private readonly channel: string) {}

  /** One more message broke the rule. */
  add(direction: Direction, rule: string, action: Verdict['action']): void {
    this.counts ??= new Map();
    const key = `${direction} ${action} ${rule}`;
    const count = (this.counts.get(key)?.count ?? 0) + 1;
    this.counts.set(key, { channel: this.channel, direction: DIRECTIONS[direction], rule, action, count });
  }

  /** What was counted, of clients first. */
  list(): Verdict[] {
    const all = [...(this.counts?.values() ?? [])];
    const up = all.filter(({ direction }) => direction === DIRECTIONS.up);
    return [...up, ...all.filter((verdict) => !up.includes(verdict))];
  }
}
