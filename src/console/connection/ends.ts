// SPDX-License-Identifier: Apache-2.0
// How a connection ends: the typed faults of the data plane. Every step of connection.ts throws one of these;
// close.ts turns it into what the client hears, the log line and the record.
import { KerbsideException } from '../../exception.js';
import type { CloseReason } from '../../close-reason.js';
import type { Explained } from '../../service/explanation.js';

/**
 * An expected end: every connection ends by one, and its message names the place that throws it. It has no stack trace,
 * which would cost more than all the rest of it.
 */
class Ending extends KerbsideException {
  constructor(message: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A relayed or about to be relayed connection ends. `detail` is for the log. */
export class ConnectionEnded extends Ending {
  private static readonly plain = new Map<CloseReason, ConnectionEnded>();

  /** The fault of a reason. One that says everything is one for all connections, because making an Error costs. */
  static of(reason: CloseReason, detail = ''): ConnectionEnded {
    if (detail !== '') return new ConnectionEnded(reason, detail);
    const known = this.plain.get(reason);
    if (known !== undefined) return known;
    const made = new ConnectionEnded(reason);
    this.plain.set(reason, made);
    return made;
  }

  constructor(
    readonly reason: CloseReason,
    readonly detail = '',
    options?: ErrorOptions,
  ) {
    super(detail === '' ? reason : `${reason}: ${detail}`, options);
  }
}

/** A stage of the relay threw: a fault of ours, which ends its channel and no other. */
export class StageFailed extends KerbsideException {
  /** @param stage the stage's name, for the audit */
  constructor(
    readonly stage: string,
    cause: unknown,
  ) {
    super(`relay stage ${stage} failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** The client is refused before its channel is authorized; nothing was recorded for it yet. */
export class LinkRefused extends Ending {
  /**
   * @param reason the word for metric and log, such as `bad_magic` or `limit_address`
   * @param answer bytes the client hears before the close; null: nothing
   */
  constructor(
    readonly reason: string,
    readonly answer: Buffer | null,
    readonly detail: string,
    readonly sessionId?: string,
    /** What its client may be shown instead of the answer. */
    readonly screen?: Explained,
  ) {
    super(`${reason}: ${detail}`);
  }
}

/** Why a backend could not be used; the metric's label. */
export type BackendFailureReason =
  | 'refused'
  | 'timed_out'
  | 'unreachable'
  | 'name_unknown'
  | 'no_resources'
  | 'reset'
  | 'wrong_ca'
  | 'wrong_subject'
  | 'wrong_host_name'
  | 'certificate_invalid'
  | 'tls_failed'
  | 'tls_required'
  | 'no_address'
  | 'proxy_refused'
  | 'ssh_host_key'
  | 'ssh_login'
  | 'wrong_ticket'
  | 'link_refused'
  | 'protocol';

/** The backend could not be reached or did not accept the channel. */
export class BackendFailed extends Ending {
  /** Where it was tried, for the log; null: nowhere. */
  triedAt: Readonly<Record<string, string | number>> | null = null;

  /**
   * @param detail what went wrong, for audit and log; names no ticket
   * @param linkError the SpiceLinkErr of the backend's link reply, where that is the fault
   * @param closeReason what the end of the channel is recorded as
   */
  constructor(
    readonly reason: BackendFailureReason,
    readonly detail: string,
    readonly linkError: number | null = null,
    readonly closeReason: CloseReason = 'backend failed',
  ) {
    super(detail);
  }

  /** The proxy that was asked to connect answered with this status. */
  static byProxy(status: number): BackendFailed {
    const words = `connect proxy refused (${status})` as const;
    return new BackendFailed('proxy_refused', words, null, words);
  }
}
