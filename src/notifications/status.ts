// SPDX-License-Identifier: Apache-2.0
// Maps the states in notifications to the status in the answers of Nova's API, so that a console's row has the same value
// from either of them, and to whether there is a console now. The table is the API's own.
import { consoleFault } from '../compute/instance.js';
import type { InstanceFault } from '../objects/instance-fault.js';

type Status = string;

/** The state of an instance, from a message. */
export interface InstanceState {
  /** Nova's vm_state in its lower case: `active`, `stopped`, `shelved_offloaded`, ... */
  readonly state: string;
  readonly taskState: string | null;
  /** The status that Nova's API answers with for it; `UNKNOWN`, as the API has it, for an unknown state. */
  readonly status: Status;
  /** Why the instance has no console in it; null when it should have one. */
  readonly fault: InstanceFault | null;
}

interface Row {
  readonly status: Status;
  /** The status while a task runs. */
  readonly tasks?: Readonly<Record<string, Status>>;
}

const RESIZING = {
  resize_prep: 'RESIZE',
  resize_migrating: 'RESIZE',
  resize_migrated: 'RESIZE',
  resize_finish: 'RESIZE',
};
const REBUILDING = {
  rebuilding: 'REBUILD',
  rebuild_block_device_mapping: 'REBUILD',
  rebuild_spawning: 'REBUILD',
};
const REBOOTING = {
  rebooting: 'REBOOT',
  reboot_pending: 'REBOOT',
  reboot_started: 'REBOOT',
  rebooting_hard: 'HARD_REBOOT',
  reboot_pending_hard: 'HARD_REBOOT',
  reboot_started_hard: 'HARD_REBOOT',
};

const ROWS: Readonly<Record<string, Row>> = {
  active: {
    status: 'ACTIVE',
    tasks: {
      ...REBOOTING,
      ...REBUILDING,
      ...RESIZING,
      updating_password: 'PASSWORD',
      migrating: 'MIGRATING',
    },
  },
  building: { status: 'BUILD' },
  stopped: { status: 'SHUTOFF', tasks: { ...RESIZING, ...REBUILDING } },
  resized: {
    status: 'VERIFY_RESIZE',
    tasks: { resize_reverting: 'REVERT_RESIZE' },
  },
  paused: { status: 'PAUSED', tasks: { migrating: 'MIGRATING' } },
  suspended: { status: 'SUSPENDED' },
  rescued: { status: 'RESCUE' },
  error: { status: 'ERROR', tasks: REBUILDING },
  deleted: { status: 'DELETED' },
  'soft-delete': { status: 'SOFT_DELETED' },
  shelved: { status: 'SHELVED' },
  shelved_offloaded: { status: 'SHELVED_OFFLOADED' },
};

/** The state of an instance from its vm_state and task_state. */
export function readState(state: string, taskState: string | null): InstanceState {
  const status = statusOf(state, taskState);
  return { state, taskState, status, fault: consoleFault({ status, taskState }) };
}

function statusOf(state: string, taskState: string | null): Status {
  const row = own(ROWS, state);
  if (row === undefined) return 'UNKNOWN';
  return own(row.tasks ?? {}, taskState ?? '') ?? row.status;
}

// States come from outside: `constructor` is one that every object knows.
function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
