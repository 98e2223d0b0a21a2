// SPDX-License-Identifier: Apache-2.0
// The places that may say what data enters and leaves a desktop, from the widest to the narrowest, and what holds in the
// end, key by key, with the place that said so.
import {
  GUEST_POLICY_KEYS,
  GUEST_POLICY_NAMES,
  narrower,
  plainUsb,
  type GuestPolicy,
  type GuestPolicyKey,
  type GuestPolicyRules,
} from './guest-policy.js';

/** What a cloud says of an instance: absent where it says nothing. */
export interface CloudGuestPolicy {
  /** The image that `image` is of. */
  readonly imageId?: string;
  /** No rules, other than none at all: the image was read. */
  readonly image?: GuestPolicyRules;
  readonly flavor?: GuestPolicyRules;
  readonly metadata?: GuestPolicyRules;
}

/** What a source, or a console, says; a console's cloud, too, where it is of one. */
export interface OwnGuestPolicy extends CloudGuestPolicy {
  readonly rules?: GuestPolicyRules;
  /** Of a source: for the consoles of single projects, by their ids. */
  readonly projects?: Readonly<Record<string, GuestPolicyRules>>;
}

/** A place narrower than the deployment, in the order in which they count: a later one goes before an earlier one. */
export const LEVELS = ['source', 'project', 'image', 'flavor', 'metadata', 'console'] as const;

/** What one of them says. */
export interface GuestPolicyLevel {
  readonly level: (typeof LEVELS)[number];
  /** Its name for people, such as `source lab`. */
  readonly from: string;
  readonly rules: GuestPolicyRules;
}

/** Which words of those who use a cloud count, and how much. */
export interface GuestPolicyTrust {
  readonly metadata: boolean;
  /** `narrow`: images only take away. */
  readonly image: 'narrow' | 'trust' | 'ignore';
}

/** What the deployment says. */
export interface DeploymentGuestPolicy {
  readonly policy: GuestPolicy;
  readonly trust: GuestPolicyTrust;
}

/** What holds for a console: each key with its value and the place that it comes from. */
export type SettledGuestPolicy = {
  readonly [K in GuestPolicyKey]: { readonly value: GuestPolicy[K]; readonly from: string };
};

/** Nobody's word counts but that of the operators. */
export const NO_TRUST: GuestPolicyTrust = { metadata: false, image: 'narrow' };

/** The deployment's part, of the options of [guest_policy]. */
export function deploymentOf(options: {
  readonly [K in GuestPolicyKey | 'trustMetadata' | 'imageProperties']: K extends GuestPolicyKey
    ? GuestPolicy[K]
    : K extends 'trustMetadata'
      ? boolean
      : GuestPolicyTrust['image'];
}): DeploymentGuestPolicy {
  const { trustMetadata, imageProperties, ...policy } = options;
  return { policy, trust: { metadata: trustMetadata, image: imageProperties } };
}

/** What is said of a console beneath the deployment, widest first. */
export function levelsOf(
  console: OwnGuestPolicy | undefined,
  source: OwnGuestPolicy | undefined,
  at: { readonly source: string; readonly projectId: string | null },
): readonly GuestPolicyLevel[] {
  const { projectId } = at;
  const projects = source?.projects ?? {};
  const ofProject =
    projectId !== null && Object.hasOwn(projects, projectId) ? projects[projectId] : undefined;
  return [
    ...level('source', `source ${at.source}`, source?.rules),
    ...level('project', `project ${projectId ?? ''}`, ofProject),
    ...cloudLevels(console ?? {}),
    ...level('console', 'console', console?.rules),
  ];
}

/** The same levels with what the cloud says now. */
export function withCloud(
  levels: readonly GuestPolicyLevel[],
  cloud: CloudGuestPolicy,
): readonly GuestPolicyLevel[] {
  const others = levels.filter(({ level: name }) => !Object.hasOwn(CLOUD, name));
  return [...others, ...cloudLevels(cloud)].sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
}

/** What holds for a console. The narrowest place that says something of a key decides it. */
export function settledPolicy(
  { policy, trust }: DeploymentGuestPolicy,
  levels: readonly GuestPolicyLevel[],
): SettledGuestPolicy {
  const settled = GUEST_POLICY_KEYS.map((key) => [key, settle(key, policy, levels, trust)]);
  // One entry for each key: GUEST_POLICY_KEYS has them all.
  return Object.fromEntries(settled) as SettledGuestPolicy;
}

/** The values alone. */
export function valuesOf(settled: SettledGuestPolicy): GuestPolicy {
  const values = GUEST_POLICY_KEYS.map((key) => [key, settled[key].value] as const);
  return Object.fromEntries(values) as unknown as GuestPolicy;
}

/** As the API and the command line show it, keys as sources.yaml has them. */
export function settledRecord(
  settled: SettledGuestPolicy,
): Record<string, SettledGuestPolicy[GuestPolicyKey]> {
  return Object.fromEntries(GUEST_POLICY_KEYS.map((key) => [GUEST_POLICY_NAMES[key], settled[key]]));
}

const CLOUD = { image: true, flavor: true, metadata: true } as const;

function cloudLevels({ image, flavor, metadata }: CloudGuestPolicy): GuestPolicyLevel[] {
  return [
    ...level('image', 'image', image),
    ...level('flavor', 'flavor', flavor),
    ...level('metadata', 'metadata', metadata),
  ];
}

function level(
  name: GuestPolicyLevel['level'],
  from: string,
  rules: GuestPolicyRules | undefined,
): GuestPolicyLevel[] {
  return rules === undefined || Object.keys(rules).length === 0 ? [] : [{ level: name, from, rules }];
}

function settle<K extends GuestPolicyKey>(
  key: K,
  policy: GuestPolicy,
  levels: readonly GuestPolicyLevel[],
  trust: GuestPolicyTrust,
): { value: GuestPolicy[K]; from: string } {
  let settled = { value: plain(key, policy[key]), from: 'deployment' };
  for (const { level: name, from, rules } of levels) {
    const said = rules[key];
    if (said === undefined || !counts(name, trust)) continue;
    const value = plain(key, said);
    if (name !== 'image' || trust.image === 'trust') {
      settled = { value, from };
      continue;
    }
    const both = narrower(key, settled.value, value);
    if (String(both) !== String(settled.value)) settled = { value: both, from };
  }
  return settled;
}

function counts(name: GuestPolicyLevel['level'], trust: GuestPolicyTrust): boolean {
  if (name === 'metadata') return trust.metadata;
  return name !== 'image' || trust.image !== 'ignore';
}

function plain<K extends GuestPolicyKey>(key: K, value: GuestPolicy[K]): GuestPolicy[K] {
  return key === 'usb' ? (plainUsb(value as GuestPolicy['usb']) as GuestPolicy[K]) : value;
}
