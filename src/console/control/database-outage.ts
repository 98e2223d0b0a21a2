// SPDX-License-Identifier: Apache-2.0
// Clients that connect while the database is unavailable are denied with a reason of their own: logged once and not for
// each of them, and audited once when it answers again.
import { DatabaseError } from '../../exception.js';
import { loggerFor } from '../../log.js';
import { ChannelInDoubt } from '../../objects/channel-types.js';
import { refusedWhileAway } from '../../objects/audit-message.js';
import type { AuditQueue } from './audit-queue.js';
import type { Denial } from '../ipc.js';

const log = loggerFor('kerbside.console.control-plane');

/** Watches whether channels can be authorized. */
export class DatabaseOutage {
  private refused = 0;

  /** @param inDoubt called for each channel of which it is not known whether its row was written */
  constructor(
    private readonly audit: Pick<AuditQueue, 'add'>,
    private readonly node: string,
    private readonly inDoubt: (connectionRef: string) => void,
  ) {}

  /**
   * The denial of a channel that could not be decided; its row, if there is one, is closed later.
   *
   * @throws the fault when it is not the database's
   */
  denial(fault: unknown): Denial {
    if (!(fault instanceof DatabaseError)) throw fault;
    this.undecided(fault);
    if (this.refused === 0)
      log.error('the database is away: running sessions go on, new channels are refused', { error: fault });
    this.refused += 1;
    return { kind: 'denied', because: 'error', reason: 'database_away' };
  }

  /** A try to decide about a channel failed; its row, if there is one, is closed later. */
  undecided(fault: DatabaseError): void {
    if (fault instanceof ChannelInDoubt) this.inDoubt(fault.connectionRef);
  }

  /** The database has decided about a channel. */
  over(): void {
    if (this.refused === 0) return;
    const { refused, node } = this;
    this.refused = 0;
    log.warning('the database is back: channels are authorized again', { refused });
    this.audit.add({ source: '', uuid: '', node, pid: process.pid, message: refusedWhileAway(refused) });
  }
}
