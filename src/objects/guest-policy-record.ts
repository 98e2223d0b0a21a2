// SPDX-License-Identifier: Apache-2.0
// What a source, a console or a cloud says of guest data as JSON with the keys of sources.yaml, as rows hold it.
import type { OwnGuestPolicy } from './guest-policy-levels.js';
import {
  CLIPBOARD_RULES,
  FILE_TRANSFER_RULES,
  GUEST_POLICY_KEYS,
  GUEST_POLICY_NAMES,
  MOST_MONITORS,
  NOTHING_ALLOWED,
  type GuestPolicy,
  type GuestPolicyKey,
  type GuestPolicyRules,
} from './guest-policy.js';
import { recordOf } from './row-json.js';

/** All that a row says; undefined where it says nothing. The same rules give the same object. */
export function ownPolicyRecord(policy: OwnGuestPolicy | undefined): Record<string, unknown> | undefined {
  if (policy === undefined) return undefined;
  const { rules = {}, projects, imageId, image, flavor, metadata } = policy;
  const ofProjects = Object.entries(projects ?? {}).map(([id, said]) => [id, rulesRecord(said)]);
  return {
    ...rulesRecord(rules),
    ...(projects === undefined ? {} : { projects: Object.fromEntries(ofProjects) }),
    ...(imageId === undefined ? {} : { image_id: imageId }),
    ...(image === undefined ? {} : { image: rulesRecord(image) }),
    ...(flavor === undefined ? {} : { flavor: rulesRecord(flavor) }),
    ...(metadata === undefined ? {} : { metadata: rulesRecord(metadata) }),
  };
}

/** What such an object says. */
export function ownPolicyIn(record: Readonly<Record<string, unknown>>): OwnGuestPolicy {
  const rules = rulesIn(record);
  const { projects, image_id: imageId, image, flavor, metadata } = record;
  const ofProjects = Object.entries(recordOf(projects)).map(
    ([id, said]) => [id, rulesIn(recordOf(said))] as const,
  );
  return {
    ...(Object.keys(rules).length === 0 ? {} : { rules }),
    ...(projects === undefined ? {} : { projects: Object.fromEntries(ofProjects) }),
    ...(typeof imageId === 'string' ? { imageId } : {}),
    ...(image === undefined ? {} : { image: rulesIn(recordOf(image)) }),
    ...(flavor === undefined ? {} : { flavor: rulesIn(recordOf(flavor)) }),
    ...(metadata === undefined ? {} : { metadata: rulesIn(recordOf(metadata)) }),
  };
}

function rulesRecord(rules: GuestPolicyRules): Record<string, unknown> {
  const given = GUEST_POLICY_KEYS.filter((key) => rules[key] !== undefined);
  return Object.fromEntries(given.map((key) => [GUEST_POLICY_NAMES[key], rules[key]]));
}

// A value that this release does not know counts as the most restrictive one.
function rulesIn(record: Readonly<Record<string, unknown>>): GuestPolicyRules {
  const given = GUEST_POLICY_KEYS.filter((key) => record[GUEST_POLICY_NAMES[key]] !== undefined);
  return Object.fromEntries(
    given.map((key) => [key, READERS[key](record[GUEST_POLICY_NAMES[key]]) ?? NOTHING_ALLOWED[key]]),
  );
}

type Readers = { readonly [K in GuestPolicyKey]: (value: unknown) => GuestPolicy[K] | undefined };

const flag = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined);

const READERS: Readers = {
  clipboard: (value) => CLIPBOARD_RULES.find((word) => word === value),
  fileTransfer: (value) => FILE_TRANSFER_RULES.find((word) => word === value),
  folderSharing: flag,
  usb: (value) => (Array.isArray(value) && value.length > 0 ? value.map(String) : undefined),
  smartcard: flag,
  audioPlayback: flag,
  audioRecord: flag,
  viewOnly: flag,
  maxMonitors: (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_MONITORS
      ? value
      : undefined,
};
