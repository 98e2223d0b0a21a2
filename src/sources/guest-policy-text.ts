// SPDX-License-Identifier: Apache-2.0
// Values of a guest data policy as people write them: in sources.yaml, in extra specs of flavors, and in properties of images
// and of instances. Pure: text in, value or fault out.
import { USB_RULE_PATTERN } from '../conf/usb-rule.js';
import { readBoolean } from '../conf/values.js';
import {
  CLIPBOARD_RULES,
  FILE_TRANSFER_RULES,
  GUEST_POLICY_KEYS,
  GUEST_POLICY_NAMES,
  MOST_MONITORS,
  MOST_USB_RULES,
  NOTHING_ALLOWED,
  type GuestPolicy,
  type GuestPolicyKey,
  type GuestPolicyRules,
} from '../objects/guest-policy.js';
import { quoted } from './file/field-reader.js';

/** What is wrong with a value, and what to write in its place. */
export class RuleFault {
  constructor(readonly text: string) {}
}

/** What a cloud says, and what of that is wrong. */
export interface CloudRules {
  readonly rules: GuestPolicyRules;
  /** In words, with the name of what is wrong. */
  readonly faults: readonly string[];
}

type Readers = { readonly [K in GuestPolicyKey]: (text: string) => GuestPolicy[K] | RuleFault };

const READERS: Readers = {
  clipboard: (text) => word(text, CLIPBOARD_RULES),
  fileTransfer: (text) => word(text, FILE_TRANSFER_RULES),
  folderSharing: flag,
  usb: (text) => usbRules(text.split(',')),
  smartcard: flag,
  audioPlayback: flag,
  audioRecord: flag,
  viewOnly: flag,
  maxMonitors: monitors,
};

/** The value of a key. */
export function readRule<K extends GuestPolicyKey>(key: K, text: string): GuestPolicy[K] | RuleFault {
  const read: Readers[K] = READERS[key];
  return read(text.trim());
}

/** Rules of USB, one by one. */
export function usbRules(texts: readonly string[]): readonly string[] | RuleFault {
  const rules = texts.map((text) => text.trim().toLowerCase()).filter((text) => text !== '');
  if (rules.length === 0) return new RuleFault(`names no device; give ${USB_RULE_PATTERN.expected}`);
  if (rules.length > MOST_USB_RULES)
    return new RuleFault(`has ${String(rules.length)} rules; give ${String(MOST_USB_RULES)} at most`);
  const strange = rules.find((rule) => !USB_RULE_PATTERN.accepts.test(rule));
  if (strange !== undefined)
    return new RuleFault(`${quoted(strange)} is no rule; give ${USB_RULE_PATTERN.expected}`);
  const alone = rules.find((rule) => rule === 'none' || rule === '*');
  if (alone !== undefined && rules.some((rule) => rule !== alone))
    return new RuleFault(
      `${quoted(alone)} stands beside other rules; it says all by itself, so give one or the other`,
    );
  return rules;
}

/**
 * What a cloud's texts by their names say. A value that cannot be read counts as the most restrictive one of its key.
 * @param prefix what the names begin with, such as `kerbside:`
 */
export function rulesOfTexts(texts: Readonly<Record<string, unknown>>, prefix: string): CloudRules {
  const faults: string[] = [];
  const nameOf = (key: GuestPolicyKey): string => `${prefix}${GUEST_POLICY_NAMES[key]}`;
  const given = GUEST_POLICY_KEYS.filter((key) => Object.hasOwn(texts, nameOf(key)));
  const rules = given.map((key) => {
    const text = texts[nameOf(key)];
    const value = typeof text === 'string' ? readRule(key, text) : new RuleFault('is no text');
    if (!(value instanceof RuleFault)) return [key, value] as const;
    faults.push(`${nameOf(key)}: ${value.text}. Until then it counts as ${String(NOTHING_ALLOWED[key])}`);
    return [key, NOTHING_ALLOWED[key]] as const;
  });
  const known = GUEST_POLICY_KEYS.map(nameOf);
  const unknown = Object.keys(texts).filter((name) => name.startsWith(prefix) && !known.includes(name));
  for (const name of unknown)
    faults.push(
      `${quoted(name)} is no key of a guest data policy; it says nothing. Keys are ${known.join(', ')}`,
    );
  return { rules: Object.fromEntries(rules), faults };
}

function word<Word extends string>(text: string, words: readonly Word[]): Word | RuleFault {
  const known = words.find((candidate) => candidate === text.toLowerCase());
  return known ?? new RuleFault(`${quoted(text)} is unknown; give one of ${words.join(', ')}`);
}

function flag(text: string): boolean | RuleFault {
  return readBoolean(text) ?? new RuleFault(`${quoted(text)} is neither true nor false; give true or false`);
}

function monitors(text: string): number | RuleFault {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : -1;
  if (count >= 0 && count <= MOST_MONITORS) return count;
  return new RuleFault(
    `${quoted(text)} is no number of monitors; give 0 (as many as the guest has) to ${String(MOST_MONITORS)}`,
  );
}
