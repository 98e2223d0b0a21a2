// SPDX-License-Identifier: Apache-2.0
// What the stages of the main channel have of the control plane, and the bound of what they collect.
import type { Grant } from '../ipc.js';

/** The largest body of an inspected message that is buffered, in bytes. */
export const MAX_INSPECTED_BYTES = 65_536;

/** The control plane, as far as the main channel's messages concern it. */
export interface MainControl {
  /** The backend has named its session: the row must know before the client does. @throws ConnectionEnded */
  establish(grant: Grant, backendConnectionId: number): Promise<void>;
}
