// SPDX-License-Identifier: Apache-2.0
// The worker's side of the IPC channel: requests with deadlines, notes without answers.
import type { Grant, SupervisorMessage, WorkerMessage, WorkerNote, WorkerRequest } from '../ipc.js';
import { ConnectionEnded } from './ends.js';

interface Pending {
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: NodeJS.Timeout;
}

/** Asks and tells the supervisor. */
export class ControlClient {
  private nextId = 1;
  private readonly pending = new Map<number, Pending>();

  /**
   * @param send puts a message on the channel
   * @param timeout seconds a request may take
   */
  constructor(
    private readonly send: (message: WorkerMessage) => void,
    private readonly timeout: number,
  ) {}

  /**
   * Asks and waits. The caller names the shape of the answer, which `ipc.ts` pairs with the request.
   *
   * @throws ConnectionEnded `control plane failed` when the answer is an error or does not come in time
   */
  request<Reply>(body: WorkerRequest): Promise<Reply> {
    const id = this.nextId++;
    return new Promise<Reply>((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.pending.delete(id);
        reject(
          new ConnectionEnded('control plane failed', `no answer to ${body.op} within ${this.timeout} s`),
        );
      }, this.timeout * 1000);
      this.pending.set(id, { resolve: (answer) => resolve(answer as Reply), reject, deadline });
      this.send({ op: 'request', id, body });
    });
  }

  /** Tells without waiting. */
  note(body: WorkerNote): void {
    this.send({ op: 'note', body });
  }

  /** Hands a reply to whoever asked; a leave that came too late is given back, or it would block its session. */
  settle(reply: Extract<SupervisorMessage, { op: 'reply' }>): void {
    const waiting = this.pending.get(reply.id);
    if (waiting === undefined) {
      if (reply.ok && isGrant(reply.body)) this.giveBack(reply.body);
      return;
    }
    this.pending.delete(reply.id);
    clearTimeout(waiting.deadline);
    if (reply.ok) waiting.resolve(reply.body);
    else waiting.reject(new ConnectionEnded('control plane failed', reply.error));
  }

  private giveBack({ connectionRef }: Grant): void {
    const reason = 'control plane failed';
    this.note({ op: 'closed', connectionRef, reason, bytesUp: 0, bytesDown: 0, duration: 0, verdicts: [] });
  }
}

function isGrant(body: unknown): body is Grant {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'granted';
}
