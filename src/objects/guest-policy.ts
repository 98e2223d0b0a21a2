// SPDX-License-Identifier: Apache-2.0
// What data may enter and leave a desktop, in types: the values of each key, the most restrictive of them, and which of two
// is narrower. The options of [guest_policy], sources.yaml and clouds have the same keys.

/** Directions of the clipboard, as seen from the user. */
export type ClipboardRule = 'none' | 'to-guest' | 'from-guest' | 'both';

/** A value for every key. */
export interface GuestPolicy {
  readonly clipboard: ClipboardRule;
  readonly fileTransfer: 'none' | 'to-guest';
  readonly folderSharing: boolean;
  /** `*`, `none`, or rules such as `class:08` and `046d:c52b`. */
  readonly usb: readonly string[];
  readonly smartcard: boolean;
  readonly audioPlayback: boolean;
  readonly audioRecord: boolean;
  readonly viewOnly: boolean;
  /** 0: as many as the guest has. */
  readonly maxMonitors: number;
}

/** What one place says; of what it leaves out, a wider place's holds. */
export type GuestPolicyRules = Partial<GuestPolicy>;

/** A key, as properties of TypeScript have it. */
export type GuestPolicyKey = keyof GuestPolicy;

/** The keys as options, sources.yaml, clouds and the API have them. */
export const GUEST_POLICY_NAMES = {
  clipboard: 'clipboard',
  fileTransfer: 'file_transfer',
  folderSharing: 'folder_sharing',
  usb: 'usb',
  smartcard: 'smartcard',
  audioPlayback: 'audio_playback',
  audioRecord: 'audio_record',
  viewOnly: 'view_only',
  maxMonitors: 'max_monitors',
} as const satisfies Readonly<Record<GuestPolicyKey, string>>;

/** Every key. */
export const GUEST_POLICY_KEYS = Object.keys(GUEST_POLICY_NAMES) as readonly GuestPolicyKey[];

/** The words of `clipboard`, and of `file_transfer`. */
export const CLIPBOARD_RULES: readonly ClipboardRule[] = ['none', 'to-guest', 'from-guest', 'both'];
export const FILE_TRANSFER_RULES: readonly GuestPolicy['fileTransfer'][] = ['none', 'to-guest'];
/** The highest `max_monitors`. */
export const MOST_MONITORS = 256;
/** How many rules `usb` may have where it is written in sources.yaml or in a cloud. */
export const MOST_USB_RULES = 100;

/** The most restrictive value of each key: what stands for a value that cannot be read. */
export const NOTHING_ALLOWED: GuestPolicy = {
  clipboard: 'none',
  fileTransfer: 'none',
  folderSharing: false,
  usb: ['none'],
  smartcard: false,
  audioPlayback: false,
  audioRecord: false,
  viewOnly: true,
  maxMonitors: 1,
};

type Narrowing = { readonly [K in GuestPolicyKey]: (a: GuestPolicy[K], b: GuestPolicy[K]) => GuestPolicy[K] };

/** What both of two values allow. */
const NARROWINGS: Narrowing = {
  clipboard: (a, b) => (a === 'both' ? b : b === 'both' || a === b ? a : 'none'),
  fileTransfer: (a, b) => (a === 'none' ? a : b),
  folderSharing: (a, b) => a && b,
  usb: narrowerUsb,
  smartcard: (a, b) => a && b,
  audioPlayback: (a, b) => a && b,
  audioRecord: (a, b) => a && b,
  viewOnly: (a, b) => a || b,
  maxMonitors: (a, b) => (a === 0 ? b : b === 0 ? a : Math.min(a, b)),
};

/** What both of two values of a key allow; the same value as `a` when `b` takes nothing away. */
export function narrower<K extends GuestPolicyKey>(
  key: K,
  a: GuestPolicy[K],
  b: GuestPolicy[K],
): GuestPolicy[K] {
  const narrow: Narrowing[K] = NARROWINGS[key];
  return narrow(a, b);
}

/** Rules of USB as they are meant: `none` and `*` say all there is to say, and nobody writes a rule twice. */
export function plainUsb(rules: readonly string[]): readonly string[] {
  if (rules.includes('none')) return NOTHING_ALLOWED.usb;
  if (rules.includes('*')) return ['*'];
  return [...new Set(rules.map((rule) => rule.toLowerCase()))];
}

// A class of one list and a device of the other may have devices in common, which no rule can say: they are left out.
function narrowerUsb(a: readonly string[], b: readonly string[]): readonly string[] {
  const [of, and] = [plainUsb(a), plainUsb(b)];
  if (and.includes('*')) return of;
  if (of.includes('*')) return and;
  const both = of.filter((rule) => and.includes(rule));
  return both.length === 0 ? NOTHING_ALLOWED.usb : both;
}
