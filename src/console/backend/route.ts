// SPDX-License-Identifier: Apache-2.0
// The ways to a backend. A route says what is dialled and what has to be said before the stream is the backend's; TLS,
// pins, deadlines, limits and the link stage are the same on all of them, and none of a route's business.
// A route that is no socket of its own opens a stream in place of being dialled.
// A new one is a file in routes/, a kind of BackendRoute (ipc.ts) and of ConsoleRoute (objects/connect-info.ts), and a line in dial.ts.
import type { BackendFailed } from '../connection/ends.js';
import type { LegStream } from '../connection/leg-stream.js';
import type { Exchange } from './exchange.js';

/** What is dialled: the options of net.connect. */
export type Dialled = { readonly host: string; readonly port: number } | { readonly path: string };

/** One way to one port of a backend. */
export interface Route {
  readonly dialled: Dialled;
  /** The name or address that a certificate without a pin must be of. */
  readonly certifiedHost: string;
  /** Where it leads, for the log; without secrets. */
  readonly shown: Readonly<Record<string, string | number>>;
  /** What has to pass before the stream is the backend's; gives the backend's bytes that came with its end. Absent: nothing. */
  readonly prelude?: Exchange<Buffer>;
  /** What an error of the dialled socket is called here; null: what it is called everywhere. */
  fault?(error: NodeJS.ErrnoException): BackendFailed | null;
}

/** A way whose stream is opened within something else: `open` gives one that carries bytes already. */
export interface StreamRoute extends Pick<Route, 'certifiedHost' | 'shown' | 'fault'> {
  /** Whether what is around the stream encrypts it. */
  readonly secure: boolean;
  /**
   * Opens it; gives up when the signal fires.
   * @throws BackendFailed
   */
  open(signal: AbortSignal): Promise<LegStream>;
}
