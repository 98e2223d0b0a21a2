// SPDX-License-Identifier: Apache-2.0
// The control plane as the stages of the main channel see it, over the worker's IPC channel.
import type { ControlClient } from '../connection/control-client.js';
import type { MainControl } from '../main-channel/main-control.js';

/** Gives the stages their way to the control plane. */
export function mainControl(control: ControlClient): MainControl {
  return {
    establish: async ({ connectionRef, sessionId, generation }, backendConnectionId) => {
      await control.request({ op: 'establish', connectionRef, sessionId, generation, backendConnectionId });
    },
    withheld: ({ connectionRef }, messageType) =>
      control.note({ op: 'withheld', connectionRef, messageType }),
  };
}
