// SPDX-License-Identifier: Apache-2.0
// The versions of /v1: which there are, and which one a request asks for (API-SIG, "Microversion Specification").
// A change that a client can see is a new minor version: one more line in doc/source/reference/api-v1.rst, and MAX here.

/** The service type, as the catalog and the header name it. */
export const SERVICE_TYPE = 'console';
/** The header that asks for a version, and that says which one answered. */
export const VERSION_HEADER = 'OpenStack-API-Version';

/** The oldest and the newest minor version of /v1. */
export const MINORS = { min: 0, max: 8 } as const;

/** The range of minor versions that a service speaks. */
export interface MinorRange {
  readonly min: number;
  readonly max: number;
}

/** What a request asks for. */
export type Negotiation =
  | { readonly kind: 'version'; readonly minor: number }
  | { readonly kind: 'malformed'; readonly asked: string }
  | { readonly kind: 'out_of_range'; readonly asked: string };

const LONGEST_ECHO = 40;

/** True for the paths of the OpenStack API, also for those that lead nowhere. */
export function isVersioned(path: string): boolean {
  return path === '/v1' || path.startsWith('/v1/');
}

/** A minor version in full, such as `1.0`. */
export function versionText(minor: number): string {
  return `1.${minor}`;
}

/**
 * Finds our part in a header that may speak of several services. Without one it is the oldest version.
 * @param header the header's value; several lines are joined with commas, as Node does it
 */
export function negotiate(header: string | undefined, range: MinorRange = MINORS): Negotiation {
  const ours = (header ?? '')
    .split(',')
    .map((part) => part.trim().split(/\s+/))
    .find(([service]) => service?.toLowerCase() === SERVICE_TYPE);
  if (ours === undefined) return { kind: 'version', minor: range.min };
  const asked = ours.slice(1).join(' ').slice(0, LONGEST_ECHO);
  if (asked === 'latest') return { kind: 'version', minor: range.max };
  const [, major, minor] = /^(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})$/.exec(asked) ?? [];
  if (minor === undefined) return { kind: 'malformed', asked };
  const found = Number(minor);
  return major === '1' && found >= range.min && found <= range.max
    ? { kind: 'version', minor: found }
    : { kind: 'out_of_range', asked };
}
