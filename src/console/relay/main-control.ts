// SPDX-License-Identifier: Apache-2.0
// The control plane as the stages of the main channel see it, over the worker's IPC channel.
import type { ControlClient } from '../connection/control-client.js';
import type { MainControl } from '../main-channel/main-control.js';
import type { MigrationControl } from '../migration/migration-control.js';

/** Gives the stages their way to the control plane. */
export function mainControl(control: ControlClient): MainControl & MigrationControl {
  return {
    establish: async ({ connectionRef, sessionId, generation }, backendConnectionId) => {
      await control.request({ op: 'establish', connectionRef, sessionId, generation, backendConnectionId });
    },
    migrate: ({ connectionRef }, { step, mode }, destination) =>
      control.request({ op: 'migrate', connectionRef, step, mode, destination }),
    goOver: async ({ connectionRef }) => {
      await control.request({ op: 'go_over', connectionRef });
    },
    clientReady: async ({ connectionRef }) =>
      (await control.request({ op: 'client_ready', connectionRef })).kind === 'somewhere',
    happened: ({ connectionRef }, event) => control.noteAtOnce({ op: 'migration', connectionRef, event }),
    withheld: ({ connectionRef }, messageType) =>
      control.note({ op: 'withheld', connectionRef, messageType }),
  };
}
