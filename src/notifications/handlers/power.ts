// SPDX-License-Identifier: Apache-2.0
// power_off, power_on, reboot, pause, unpause, suspend, resume.
import { effectOfState, ENDED, RECORDED, RELOCATED, type Effect } from '../effect.js';
import type { InstanceEvent } from '../instance-event.js';

const HARD = ['rebooting_hard', 'reboot_pending_hard', 'reboot_started_hard'];

/** The guest may take a minute to shut down, and its user may watch: sessions end when it is off. */
export function onPowerOff(event: InstanceEvent): Effect {
  return event.phase === 'end' ? ENDED : effectOfState(event);
}

/** A new hypervisor process, with new ports. */
export function onPowerOn(event: InstanceEvent): Effect {
  return event.phase === 'end' ? RELOCATED : recordOnly(event);
}

/** Only the task state of its start tells a hard one, which replaces the hypervisor process; so may a soft one. */
export function onReboot(event: InstanceEvent): Effect {
  if (event.phase === 'start' && HARD.includes(event.taskState ?? '')) return ENDED;
  return event.phase === 'end' ? RELOCATED : effectOfState(event);
}

/** The hypervisor process stays, and so does the picture. */
export function onPause(event: InstanceEvent): Effect {
  return effectOfState(event);
}

/** As a pause. */
export function onUnpause(event: InstanceEvent): Effect {
  return effectOfState(event);
}

/** The guest is saved to disk and its hypervisor process ends. */
export function onSuspend(event: InstanceEvent): Effect {
  return event.phase === 'end' ? ENDED : effectOfState(event);
}

/** As a start. */
export function onResume(event: InstanceEvent): Effect {
  return event.phase === 'end' ? RELOCATED : recordOnly(event);
}

// Still stopped while it begins: the sessions are long gone, and a new one may be on its way when the message is late.
function recordOnly(event: InstanceEvent): Effect {
  const effect = effectOfState(event);
  return effect.kind === 'recorded' && effect.ended ? RECORDED : effect;
}
