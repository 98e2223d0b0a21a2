// SPDX-License-Identifier: Apache-2.0
// The worker's side of the IPC channel: requests with deadlines, notes without answers.
import type { Answer, Answers, Grant, Reply, WorkerMessage, WorkerNote, WorkerRequest } from '../ipc.js';
import { ConnectionEnded } from './ends.js';

type RequestOp = WorkerRequest['op'];

interface Pending<Op extends RequestOp> {
  readonly resolve: (body: Answers[Op]) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: NodeJS.Timeout;
}

/** Sends requests and notes to the supervisor. */
export class ControlClient {
  private nextId = 1;
  private readonly pending: { readonly [Op in RequestOp]: Map<number, Pending<Op>> } = {
    authorize: new Map(),
    establish: new Map(),
    mint: new Map(),
    migrate: new Map(),
    go_over: new Map(),
    destination_failed: new Map(),
    client_ready: new Map(),
  };

  /**
   * @param send puts a message on the channel; `soon` where nobody waits for it
   * @param timeout seconds a request may take
   */
  constructor(
    private readonly send: (message: WorkerMessage, soon: boolean) => void,
    private readonly timeout: number,
  ) {}

  /**
   * Asks and waits.
   *
   * @throws ConnectionEnded `control plane failed` when the answer is an error or does not come in time
   */
  request<Op extends RequestOp>(body: WorkerRequest & { readonly op: Op }): Promise<Answers[Op]> {
    const id = this.nextId++;
    const op: Op = body.op;
    const pending = this.pending[op];
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        pending.delete(id);
        reject(new ConnectionEnded('control plane failed', `no answer to ${op} within ${this.timeout} s`));
      }, this.timeout * 1000);
      pending.set(id, { resolve, reject, deadline });
      this.send({ op: 'request', id, body }, false);
    });
  }

  /** Sends a note; the supervisor receives it before any later request. */
  note(body: WorkerNote): void {
    this.send({ op: 'note', body }, true);
  }

  /** The same for what the supervisor must know at once. */
  noteAtOnce(body: WorkerNote): void {
    this.send({ op: 'note', body }, false);
  }

  /** Settles the request of a reply; a grant that came too late is returned, or it would block its session. */
  settle(reply: Reply): void {
    if (reply.ok) this.answered(reply.id, reply.answer);
    else this.take(reply.id, reply.to)?.reject(new ConnectionEnded('control plane failed', reply.error));
  }

  private answered<Op extends RequestOp>(id: number, answer: Answer<Op>): void {
    const waiting = this.take(id, answer.to);
    if (waiting !== undefined) waiting.resolve(answer.body);
    else if (answer.body?.kind === 'granted') this.returnGrant(answer.body);
  }

  private take<Op extends RequestOp>(id: number, op: Op): Pending<Op> | undefined {
    const pending = this.pending[op];
    const waiting = pending.get(id);
    pending.delete(id);
    if (waiting !== undefined) clearTimeout(waiting.deadline);
    return waiting;
  }

  private returnGrant({ connectionRef }: Grant): void {
    const reason = 'control plane failed';
    this.noteAtOnce({
      op: 'closed',
      connectionRef,
      reason,
      bytesUp: 0,
      bytesDown: 0,
      duration: 0,
      verdicts: [],
      pacing: null,
    });
  }
}
