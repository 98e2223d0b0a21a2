// SPDX-License-Identifier: Apache-2.0
// What an openstack entry of sources.yaml says beyond the keys of all sources, and how it becomes the login of a
// session. `verify` is true, false or the path of a CA file, as in the original.
import { Secret } from '../../conf/secret.js';
import type { Patch } from '../../compute/microversions.js';
import { InvalidInput } from '../../exception.js';
import type { KeystoneAuthOptions } from '../../identity/service-session.js';
import type { SourceDefinition } from '../../objects/source.js';
import type { FieldReader } from '../file/field-reader.js';
import type { DriverServices } from '../platform.js';
import { verificationOf } from '../verification.js';

const INTERFACES = ['public', 'internal', 'admin'];
const PATCHES = ['2.96', '2.97'];
const MAX_PATH = 1024;
const MAX_NAME = 255;
const DEFAULT_DOMAIN = 'default';

/** The keys that only openstack entries have. */
export const OPENSTACK_KEYS = [
  'project_name',
  'user_domain_id',
  'project_domain_id',
  'verify',
  'interface',
  'region_name',
  'spice_direct_microversion',
] as const;

/** Reads and judges the keys that only openstack entries have, and demands those that it cannot be without. */
export function readOpenStack(fields: FieldReader): Record<string, string> {
  const url = fields.text('url', MAX_PATH);
  if (url === null) fields.fault('url', "is missing; give Keystone's URL");
  else if (!isHttp(url))
    fields.fault('url', `${JSON.stringify(url)} is not a URL of http or https; give Keystone's URL`);
  for (const key of ['username', 'project_name'] as const) {
    if (fields.text(key, MAX_NAME) === null) fields.fault(key, 'is missing; Keystone asks for it');
  }
  if (fields.secret('password', MAX_NAME, 'it may have') === null)
    fields.fault('password', 'is missing; Keystone asks for it');
  const options = {
    verify: fields.text('verify', MAX_PATH),
    interface: fields.text('interface', MAX_NAME),
    region_name: fields.text('region_name', MAX_NAME),
    spice_direct_microversion: fields.text('spice_direct_microversion', MAX_NAME),
  };
  oneOf(fields, 'interface', options.interface?.replace(/URL$/, '') ?? null, INTERFACES);
  oneOf(fields, 'spice_direct_microversion', options.spice_direct_microversion, PATCHES);
  const given = Object.entries(options).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries(given);
}

/**
 * How the service logs in at the Keystone of a source.
 * @param timeout seconds for one request
 * @throws InvalidInput when the definition lacks what a login takes
 */
export function loginOf(definition: SourceDefinition, timeout: number): KeystoneAuthOptions {
  const { url, username, password, projectName, options = {} } = definition;
  if (!url || !username || !password || !projectName) {
    throw new InvalidInput(
      `source ${JSON.stringify(definition.name)} lacks url, username, password or project_name`,
    );
  }
  return {
    authUrl: url,
    authType: 'password',
    username,
    password: new Secret(password),
    userDomainId: definition.userDomainId ?? DEFAULT_DOMAIN,
    projectName,
    projectDomainId: definition.projectDomainId ?? DEFAULT_DOMAIN,
    regionName: options['region_name'],
    interface: options['interface'],
    timeout,
    ...verificationOf(options['verify'], `source ${JSON.stringify(definition.name)}, verify`),
  };
}

/** Whether the Keystone that vouches for this site's users is the source's own. */
export function knowsUsers(
  { url }: SourceDefinition,
  { keystoneAuthtoken: { authUrl, wwwAuthenticateUri } }: DriverServices['conf'],
): boolean {
  return [authUrl, wwwAuthenticateUri].some((ours) => sameKeystone(ours, url ?? ''));
}

/** The private microversion that the operator promises; null: none. */
export function patchOf(definition: SourceDefinition): Patch | null {
  const given = definition.options?.['spice_direct_microversion'];
  return given === '2.96' || given === '2.97' ? given : null;
}

/** Whether two URLs name one Keystone, with or without its version. */
function sameKeystone(one: string, other: string): boolean {
  const [a, b] = [one, other].map((url): string | null => {
    if (!URL.canParse(url)) return null;
    const { origin, pathname } = new URL(url);
    return origin + pathname.replace(/(\/v3)?\/*$/, '');
  });
  return a !== null && a === b;
}

function oneOf(fields: FieldReader, key: string, value: string | null, known: readonly string[]): void {
  if (value === null || known.includes(value)) return;
  fields.fault(key, `${JSON.stringify(value)} is unknown; give one of ${known.join(', ')}`);
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
