// SPDX-License-Identifier: Apache-2.0
// The signal that a connection must end, to whatever step it is at. AbortSignal's names and rules, as far as the steps need
// them, for a fifth of its cost: every connection makes one, every step listens once, and every connection ends by it.

/** Raised once, with the fault that ends the connection. */
export class EndSignal {
  private fault: Error | undefined;
  private readonly listeners = new Set<() => void>();

  /** Whether it was raised. */
  get aborted(): boolean {
    return this.fault !== undefined;
  }

  /** The fault it was raised with; undefined before that. */
  get reason(): Error | undefined {
    return this.fault;
  }

  /** Raises it; only the first fault counts. */
  abort(fault: Error): void {
    if (this.fault !== undefined) return;
    this.fault = fault;
    const told = [...this.listeners];
    this.listeners.clear();
    for (const listener of told) listener();
  }

  /** @throws the fault it was raised with, if it was */
  throwIfAborted(): void {
    if (this.fault !== undefined) throw this.fault;
  }

  /** Calls `listener` when it is raised, once; never when it was raised before. */
  addEventListener(_event: 'abort', listener: () => void): void {
    if (this.fault === undefined) this.listeners.add(listener);
  }

  /** Forgets a listener. */
  removeEventListener(_event: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }
}
