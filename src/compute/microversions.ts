// SPDX-License-Identifier: Apache-2.0
// What each range of Nova's microversions offers for consoles: one table, and how to choose from it.
// Sources: nova/api/openstack/compute/{remote_consoles,console_auth_tokens}.py of all releases; the private
// microversions are those of the kerbside-patches for 2023.1, 2023.2 and 2024.1.

/** The minor number: 31 of 2.31. All of the Compute API v2.1 begins with 2. */
export type Microversion = number;

/** A kind of console that Nova hands out. */
export type ConsoleType = 'spice-direct' | 'spice-html5' | 'novnc';

/** How a console is made. */
export interface CreateWay {
  /** `action`: POST /servers/{id}/action with os-getSPICEConsole or os-getVNCConsole; `remote_consoles`: POST .../remote-consoles. */
  readonly call: 'action' | 'remote_consoles';
  readonly version: Microversion;
  /** What comes back: a URL with a token in it, or host and ports at once. */
  readonly answers: 'url' | 'address';
}

/** How a console's token is read: GET /os-console-auth-tokens/{token}. */
export interface ResolveWay {
  readonly version: Microversion;
  /** Whether `spice-direct` tokens have their TLS port. */
  readonly tlsPort: boolean;
}

/** One range of newest microversions, and what a Nova offers whose newest is in it. */
export interface Offer {
  readonly from: Microversion;
  /** null: no end. */
  readonly to: Microversion | null;
  readonly create: Readonly<Partial<Record<ConsoleType, CreateWay>>>;
  /** null: tokens cannot be read at all. */
  readonly resolve: ResolveWay | null;
}

/** The microversions that a server speaks. */
export interface VersionRange {
  readonly min: Microversion;
  readonly max: Microversion;
}

/** A private microversion of a patched release. */
export type Patch = '2.96' | '2.97';

/** The microversion that first reads console tokens, for messages. */
export const READS_TOKENS = '2.31 (Nova 14, Newton)';

const ACTION: CreateWay = { call: 'action', version: 1, answers: 'url' };
const HTML5: CreateWay = { call: 'remote_consoles', version: 6, answers: 'url' };
const DIRECT: CreateWay = { call: 'remote_consoles', version: 99, answers: 'url' };

/** The table: every microversion is in exactly one range. */
export const OFFERS: readonly Offer[] = [
  { from: 1, to: 5, create: { 'spice-html5': ACTION, novnc: ACTION }, resolve: null },
  { from: 6, to: 30, create: { 'spice-html5': HTML5, novnc: HTML5 }, resolve: null },
  {
    from: 31,
    to: 98,
    create: { 'spice-html5': HTML5, novnc: HTML5 },
    resolve: { version: 31, tlsPort: false },
  },
  {
    from: 99,
    to: null,
    create: { 'spice-direct': DIRECT, 'spice-html5': HTML5, novnc: HTML5 },
    resolve: { version: 99, tlsPort: true },
  },
];

/** What the patches change, where an operator says that they are in: upstream gives the same numbers other meanings. */
export const PATCHES: Readonly<Record<Patch, { create: CreateWay; resolve: ResolveWay | null }>> = {
  '2.96': { create: { call: 'remote_consoles', version: 96, answers: 'address' }, resolve: null },
  '2.97': {
    create: { call: 'remote_consoles', version: 97, answers: 'url' },
    resolve: { version: 97, tlsPort: true },
  },
};

/**
 * What a Nova offers.
 * @param patch the private microversion that the operator promises; it counts below 2.99 only
 */
export function offerOf(versions: VersionRange, patch: Patch | null): Offer {
  const found = OFFERS.find(({ from, to }) => versions.max >= from && (to === null || versions.max <= to));
  const offer = found ?? { from: 0, to: 0, create: {}, resolve: null };
  if (patch === null || offer.create['spice-direct'] !== undefined) return spoken(offer, versions);
  const { create, resolve } = PATCHES[patch];
  if (versions.max < create.version) return spoken(offer, versions);
  return spoken(
    { ...offer, create: { ...offer.create, 'spice-direct': create }, resolve: resolve ?? offer.resolve },
    versions,
  );
}

// A Nova that no longer speaks the old microversions is asked with its oldest; the old action is gone from 2.6 on.
function spoken(offer: Offer, { min }: VersionRange): Offer {
  const create = Object.entries(offer.create).filter(([, way]) => way.call !== 'action' || min <= 5);
  return {
    ...offer,
    create: Object.fromEntries(
      create.map(([type, way]) => [type, { ...way, version: Math.max(way.version, min) }]),
    ),
    resolve:
      offer.resolve === null ? null : { ...offer.resolve, version: Math.max(offer.resolve.version, min) },
  };
}

/** `2.31` as 31; null for what is no microversion of v2.1. */
export function parseMicroversion(text: unknown): Microversion | null {
  const minor = typeof text === 'string' ? /^2\.(\d{1,5})$/.exec(text)?.[1] : undefined;
  return minor === undefined ? null : Number(minor);
}

/** 31 as `2.31`. */
export function microversionText(version: Microversion): string {
  return `2.${String(version)}`;
}

/** The headers that ask for a microversion: the one of all services, and Nova's own where the former is not known yet. */
export function versionHeaders(version: Microversion): Record<string, string> {
  const text = microversionText(version);
  return {
    'OpenStack-API-Version': `compute ${text}`,
    ...(version < 27 ? { 'X-OpenStack-Nova-API-Version': text } : {}),
  };
}
