// SPDX-License-Identifier: Apache-2.0
// The interface between Kerbside and a platform: which consoles there are, how one is reached at the moment a
// client connects, and - where the platform has them - credentials made for one connection. One driver object
// serves one source of sources.yaml; it is replaced when the source's entry changes.
import type { ConnectInfo } from '../objects/connect-info.js';
import type { DiscoveredConsole } from '../objects/console.js';

/** A credential that the platform made for one connection. `ticket` is a secret. */
export interface BackendCredential {
  ticket: string;
  /** Epoch seconds after which the platform refuses it; null = it does not say. */
  expires: number | null;
}

/** One platform, for one source. Every method gives up when its signal fires. */
export interface SourceDriver {
  readonly type: string;
  /**
   * All consoles of the source. The same array as the time before says that nothing has changed.
   * @throws Unavailable when the platform does not answer or refuses: the known consoles then stay.
   */
  discover(signal: AbortSignal): Promise<readonly DiscoveredConsole[]>;
  /**
   * Where and how the console's SPICE server is reached now.
   * @throws Unavailable when the platform does not answer
   */
  connectInfo(console: DiscoveredConsole, signal: AbortSignal): Promise<ConnectInfo>;
  /**
   * Makes a credential for one connection; absent on platforms whose tickets are fixed.
   * @throws Unavailable when the platform does not answer or refuses
   */
  mint?(console: DiscoveredConsole, signal: AbortSignal): Promise<BackendCredential>;
}

/**
 * A platform whose consoles are not discovered: they come in one by one, as users ask for them, and are looked at
 * again from time to time. Every method gives up when its signal fires.
 */
export interface AskedDriver {
  readonly type: string;
  /**
   * Whether the platform answers.
   * @throws Unavailable when it does not, or refuses
   */
  check(signal: AbortSignal): Promise<void>;
  /**
   * What is true of a known console now; null when its machine is gone.
   * @throws Unavailable when the platform does not answer: the console then stays as it is
   */
  review(console: DiscoveredConsole, signal: AbortSignal): Promise<DiscoveredConsole | null>;
}
