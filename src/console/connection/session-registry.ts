// SPDX-License-Identifier: Apache-2.0
// The connections of this worker: all of them, for the idle watch and the shutdown, and by session, for termination.
import type { ClientConnection } from './client-connection.js';
import type { CloseReason } from '../../close-reason.js';
import type { SessionSettings } from '../ipc.js';

/** Every connection of the process. */
export class SessionRegistry {
  private readonly all = new Set<ClientConnection>();
  private readonly bySession = new Map<string, Set<ClientConnection>>();
  private readonly emptyListeners = new Set<() => void>();
  private readonly idleListeners = new Set<() => void>();
  /** What ends the connections of which nothing but the client is left. */
  private readonly kept = new Set<() => void>();

  /** Every connection, authorized or not. */
  get connections(): ReadonlySet<ClientConnection> {
    return this.all;
  }

  /** Adds a connection at its accept. */
  add(connection: ClientConnection): void {
    this.all.add(connection);
  }

  /** Files an authorized connection under its session. */
  join(connection: ClientConnection, sessionId: string): void {
    const members = this.bySession.get(sessionId) ?? new Set();
    members.add(connection);
    this.bySession.set(sessionId, members);
  }

  /** Removes a closed connection. */
  remove(connection: ClientConnection): void {
    this.all.delete(connection);
    this.leave(connection);
    if (this.all.size === 0) for (const listener of this.emptyListeners) listener();
  }

  /** The connection is of its session no more, and goes on: it ends with the process. */
  leave(connection: ClientConnection): void {
    const sessionId = connection.grant?.sessionId;
    const members = sessionId === undefined ? undefined : this.bySession.get(sessionId);
    if (sessionId !== undefined && members !== undefined) {
      members.delete(connection);
      if (members.size === 0) this.forget(sessionId);
    }
  }

  /** Ends the session's channels of this generation and older. */
  endSession(sessionId: string, generation: number, reason: CloseReason): void {
    for (const connection of [...(this.bySession.get(sessionId) ?? [])]) {
      if ((connection.grant?.generation ?? 0) <= generation) connection.end(reason);
    }
  }

  /** Ends the session's channels to the destination of a migration. */
  endMigration(sessionId: string, migration: number): void {
    for (const connection of [...(this.bySession.get(sessionId) ?? [])])
      if (connection.grant?.migration === migration) connection.end('migration cancelled');
  }

  /** Applies other settings to the session's channels. */
  useSettings(sessionId: string, settings: SessionSettings): void {
    for (const connection of [...(this.bySession.get(sessionId) ?? [])]) connection.useSettings(settings);
  }

  /** Ends everything. */
  endAll(reason: CloseReason): void {
    for (const connection of [...this.all]) connection.end(reason);
    for (const end of [...this.kept]) end();
  }

  /** A connection of which nothing but the client is left, and what ends it. @returns the function that removes it */
  keep(end: () => void): () => void {
    this.kept.add(end);
    return () => this.kept.delete(end);
  }

  /** Calls `listener` now if there is no connection, and each time the last one has gone. */
  whenEmpty(listener: () => void): void {
    this.emptyListeners.add(listener);
    if (this.all.size === 0) listener();
  }

  /**
   * Calls `listener` now if no session has a channel here, and each time the last one has gone. A client in the
   * link stage is not authorized yet, and a drain does not wait for such.
   */
  whenIdle(listener: () => void): void {
    this.idleListeners.add(listener);
    if (this.bySession.size === 0) listener();
  }

  private forget(sessionId: string): void {
    this.bySession.delete(sessionId);
    if (this.bySession.size === 0) for (const listener of this.idleListeners) listener();
  }
}
