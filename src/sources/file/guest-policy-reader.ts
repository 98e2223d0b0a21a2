// SPDX-License-Identifier: Apache-2.0
// The record `guest_policy` of a source, or of a console, in sources.yaml: the keys of [guest_policy], and in a source what it
// says for single projects.
import {
  GUEST_POLICY_KEYS,
  GUEST_POLICY_NAMES,
  type GuestPolicy,
  type GuestPolicyKey,
  type GuestPolicyRules,
} from '../../objects/guest-policy.js';
import type { OwnGuestPolicy } from '../../objects/guest-policy-levels.js';
import { ownPolicyRecord } from '../../objects/guest-policy-record.js';
import { readRule, RuleFault, usbRules } from '../guest-policy-text.js';
import { FieldFault, type FieldReader } from './field-reader.js';

const NAMES = Object.values(GUEST_POLICY_NAMES);
const PROJECTS = 'projects';
const LONGEST_ID = 255;
/** Bytes of all that a source says, as its row keeps it: a TEXT of MySQL has 65535. */
const LONGEST_RECORD = 60_000;

/** What a console says; null: nothing. */
export function consolePolicyIn(fields: FieldReader | null): OwnGuestPolicy | null {
  if (fields === null) return null;
  fields.checkKeys(NAMES);
  const rules = rulesIn(fields);
  return Object.keys(rules).length === 0 ? null : { rules };
}

/** What a source says; null: nothing. */
export function sourcePolicyIn(fields: FieldReader | null): OwnGuestPolicy | null {
  if (fields === null) return null;
  fields.checkKeys([...NAMES, PROJECTS]);
  const rules = rulesIn(fields);
  const projects = projectsIn(fields.within(PROJECTS));
  const policy = {
    ...(Object.keys(rules).length === 0 ? {} : { rules }),
    ...(projects === null ? {} : { projects }),
  };
  const size = Buffer.byteLength(JSON.stringify(ownPolicyRecord(policy)));
  if (size > LONGEST_RECORD)
    fields.fault(
      PROJECTS,
      `says ${String(size)} bytes, and ${String(LONGEST_RECORD)} can be kept; leave out what the source itself says`,
    );
  return Object.keys(policy).length === 0 ? null : policy;
}

function projectsIn(fields: FieldReader | null): Readonly<Record<string, GuestPolicyRules>> | null {
  if (fields === null) return null;
  const projects: Record<string, GuestPolicyRules> = {};
  for (const id of fields.keys()) {
    if (id === '' || id.length > LONGEST_ID)
      fields.fault(id, `is no id of a project; give one of ${String(LONGEST_ID)} characters at most`);
    const within = fields.within(id);
    within?.checkKeys(NAMES);
    // Not an assignment: the id may be __proto__.
    if (within !== null)
      Object.defineProperty(projects, id, { value: rulesIn(within), enumerable: true, configurable: true });
  }
  return Object.keys(projects).length === 0 ? null : projects;
}

function rulesIn(fields: FieldReader): GuestPolicyRules {
  const given = GUEST_POLICY_KEYS.map((key) => [key, valueIn(fields, key)] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== null));
}

function valueIn(fields: FieldReader, key: GuestPolicyKey): GuestPolicy[GuestPolicyKey] | null {
  const name = GUEST_POLICY_NAMES[key];
  if (key === 'usb') return usbIn(fields, name);
  return fields.single(name, (text) => asField(readRule(key, text)));
}

/** A list, or one text with commas. */
function usbIn(fields: FieldReader, name: string): readonly string[] | null {
  const listed = fields.isList(name) ? fields.list(name, (text) => text) : null;
  if (listed === null)
    return fields.isList(name) ? null : fields.single(name, (text) => asField(usbRules(text.split(','))));
  const rules = usbRules(listed);
  if (!(rules instanceof RuleFault)) return rules;
  fields.fault(name, rules.text);
  return null;
}

function asField<Value>(value: Value | RuleFault): Value | FieldFault {
  return value instanceof RuleFault ? new FieldFault(value.text) : value;
}
