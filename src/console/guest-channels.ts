// SPDX-License-Identifier: Apache-2.0
// Which channels a guest policy leaves a session: the control plane refuses the others when they are opened, and the stages
// of a relay worker keep them out of lists and end those that are open.
import type { Conf } from '../conf/index.js';
import { CHANNEL } from './spice/constants.js';

/** What a session may do with its guest, in the end: whose word counts is decided before. */
export type GuestPolicy = Omit<Conf['guestPolicy'], 'trustMetadata' | 'imageProperties'>;

/** The options of [guest_policy] by which something is kept back, with the names that operators know. */
export type PolicyKey =
  | 'clipboard'
  | 'file_transfer'
  | 'folder_sharing'
  | 'usb'
  | 'smartcard'
  | 'audio_playback'
  | 'audio_record'
  | 'view_only'
  | 'max_monitors';

/** The rule of a key, as the audit trail and the metrics of refused channels have it. */
export type PolicyRule = `guest_policy_${PolicyKey}`;

/** The rule of a key. */
export function ruleOf(key: PolicyKey): PolicyRule {
  return `guest_policy_${key}`;
}

/**
 * The key that forbids a VNC console; null: none does. Its stream is carried as it is, so that what a policy would keep back
 * of it is all of it. What RFB does not have, files, devices and sound, needs no forbidding.
 */
export function vncForbiddenBy(policy: GuestPolicy): PolicyKey | null {
  if (policy.viewOnly) return 'view_only';
  return policy.clipboard === 'both' ? null : 'clipboard';
}

/** The key that forbids a channel; null: none does. */
export function channelForbiddenBy(policy: GuestPolicy, type: number, id: number): PolicyKey | null {
  switch (type) {
    case CHANNEL.display:
      return policy.maxMonitors > 0 && id >= policy.maxMonitors ? 'max_monitors' : null;
    case CHANNEL.playback:
      return policy.audioPlayback ? null : 'audio_playback';
    case CHANNEL.record:
      return policy.audioRecord ? null : 'audio_record';
    case CHANNEL.smartcard:
      return policy.smartcard ? null : 'smartcard';
    case CHANNEL.webdav:
      return policy.folderSharing ? null : 'folder_sharing';
    case CHANNEL.usbredir:
      if (policy.usb.includes('none')) return 'usb';
      // A keyboard that is plugged into the guest is one to type with.
      return policy.viewOnly ? 'view_only' : null;
    default:
      return null;
  }
}
