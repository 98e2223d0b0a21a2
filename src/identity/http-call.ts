// SPDX-License-Identifier: Apache-2.0
// A request of an HttpClient as it is handed to what sends it, and the fault that comes back. It loads nothing.

/** One request. Header values and body may be secret. */
export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH' | 'HEAD';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Seconds; instead of the options' timeout. */
  readonly timeout?: number;
  /** Ends the request early. */
  readonly signal?: AbortSignal;
}

/** No whole answer came. */
export class TransportFault extends Error {
  /** @param code of Node or of axios; empty when there is none. A message would quote what must not be shown. */
  constructor(readonly code: string) {
    super(code);
    this.name = new.target.name;
  }
}
