// SPDX-License-Identifier: Apache-2.0
// Which guests have a SPICE display. The list of a cluster does not say, so each guest is asked about once, and again when it
// was started anew, has moved, or after a while. A turn asks about a bounded number; the others stay as they are known.
import { ApiRefused, type ProxmoxApi } from './api.js';
import { guestStatus, type ListedGuest } from './answers.js';

/** Questions at a time, and in one turn. */
const AT_A_TIME = 8;
const IN_A_TURN = 5000;
/** Milliseconds after which a turn asks no more. */
const TURN_TIME = 20_000;
/**
 * Milliseconds after which a guest is asked about again that was not seen to start; spread, so that not all are due in one turn. A display
 * changes only while a guest does not run.
 */
const KNOWN_FOR = 7_200_000;
const SPREAD = 240_000;
/** Failures of questions in a row after which a turn asks no more. */
const PATIENCE = 3;

interface Known {
  readonly hasSpice: boolean;
  readonly node: string;
  readonly status: string;
  /** Seconds, as the last list had it. */
  uptime: number;
  readonly until: number;
}

/** What a turn found out. */
export interface Displays {
  /** undefined: not known yet. */
  hasSpice(guest: ListedGuest): boolean | undefined;
  /** What kept it from asking about all of them, in one line; null: nothing. */
  readonly fault: string | null;
}

/** What is known of the guests of one cluster. */
export class DisplayRecords {
  private known = new Map<number, Known>();

  /** @param now milliseconds, of a clock that is never set */
  constructor(
    private readonly api: Pick<ProxmoxApi, 'get'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Asks about those that are not known, or not any more. Never rejects. */
  async of(guests: readonly ListedGuest[], signal: AbortSignal): Promise<Displays> {
    const here = new Map<number, Known>();
    const due: ListedGuest[] = [];
    for (const guest of guests) {
      const known = this.known.get(guest.vmid);
      if (known !== undefined) here.set(guest.vmid, known);
      if (this.isDue(guest)) due.push(guest);
      // A guest that was not asked about after its start stays due.
      else if (known !== undefined) known.uptime = Math.max(known.uptime, guest.uptime);
    }
    this.known = here;
    const began = this.now();
    due.splice(IN_A_TURN);
    const away = new Set<string>();
    let fault: string | null = null;
    let failures = 0;
    const work = async (): Promise<void> => {
      for (let guest = due.shift(); guest !== undefined; guest = due.shift()) {
        if (signal.aborted || failures >= PATIENCE || this.now() - began > TURN_TIME) return;
        if (away.has(guest.node)) continue;
        try {
          await this.ask(guest, signal);
          failures = 0;
        } catch (error) {
          const words = error instanceof Error ? error.message : String(error);
          fault ??= `guest ${String(guest.vmid)} on node ${guest.node}: ${words}`;
          // A node that its neighbours cannot reach takes seconds for each question.
          if (error instanceof ApiRefused && error.status >= 595) away.add(guest.node);
          else if (!(error instanceof ApiRefused)) failures += 1;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    return { hasSpice: ({ vmid }) => this.known.get(vmid)?.hasSpice, fault };
  }

  private isDue({ vmid, node, status, uptime }: ListedGuest): boolean {
    const known = this.known.get(vmid);
    // Its node does not answer: nothing can be found out now.
    if (status === 'unknown') return false;
    return (
      known === undefined ||
      known.node !== node ||
      known.status !== status ||
      uptime < known.uptime ||
      this.now() >= known.until
    );
  }

  private async ask({ vmid, node, status, uptime }: ListedGuest, signal: AbortSignal): Promise<void> {
    const { json } = await this.api.get(`/nodes/${node}/qemu/${String(vmid)}/status/current`, signal);
    const found = guestStatus(json);
    if (found === null) throw new Error('the answer about its status cannot be read');
    const until = this.now() + KNOWN_FOR + (vmid % 30) * SPREAD;
    this.known.set(vmid, { hasSpice: found.hasSpice, node, status, uptime, until });
  }
}
