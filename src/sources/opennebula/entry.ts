// SPDX-License-Identifier: Apache-2.0
// What an opennebula entry of sources.yaml says beyond the keys of all sources: which virtual machines are listed, and under which
// address a host is reached whose name means nothing to Kerbside.
import { isHost } from '../../net/host-name.js';
import type { SourceDefinition } from '../../objects/source.js';
import { apiLoginOf, readApiKeys, type ApiLogin } from '../api-entry.js';
import type { FieldReader } from '../file/field-reader.js';

/** The keys that only opennebula entries have. */
export const OPENNEBULA_KEYS = ['filter', 'host_addresses', 'verify'] as const;

/** Whose virtual machines are listed. */
export type VmFilter = 'all' | 'mine' | 'group';

/** What a driver is made of. */
export interface OpenNebulaEntry {
  readonly login: ApiLogin;
  readonly filter: VmFilter;
  /** Addresses by the names that hosts have in OpenNebula. */
  readonly addresses: ReadonlyMap<string, string>;
}

const FILTERS = ['all', 'mine', 'group'] as const satisfies readonly VmFilter[];
const WORDS = {
  url: 'the URL of XML-RPC, as https://one.example.com:2633/RPC2',
  username: 'a user of OpenNebula',
  password: "the user's password, or a token of oneuser",
};
const PATH = '/RPC2';
/** Bytes of all names and addresses together: the column that holds them has 64 KiB. */
const MAX_ADDRESSES = 48 * 1024;
const MAX_HOST_NAME = 128;

/** Reads and judges the keys that opennebula entries have, and demands those that it cannot be without. */
export function readOpenNebula(fields: FieldReader): Record<string, string> {
  const options = readApiKeys(fields, WORDS);
  // A session is written as user:password.
  if (fields.text('username', MAX_HOST_NAME * 2)?.includes(':') === true)
    fields.fault('username', 'has a colon in it, which no user of OpenNebula has; give the name alone');
  const filter = fields.word('filter', FILTERS);
  const addresses = readAddresses(fields);
  return {
    ...options,
    ...(filter === null ? {} : { filter }),
    ...(addresses === null ? {} : { host_addresses: addresses }),
  };
}

/**
 * What the definition of a source says.
 * @throws InvalidInput when it lacks something
 */
export function openNebulaEntry(definition: SourceDefinition): OpenNebulaEntry {
  const { filter, host_addresses: addresses } = definition.options ?? {};
  const login = apiLoginOf(definition);
  const { pathname } = new URL(login.url);
  return {
    login: pathname === '/' ? { ...login, url: `${login.url}${PATH}` } : login,
    filter: FILTERS.find((known) => known === filter) ?? 'all',
    addresses: new Map(addresses === undefined ? [] : (JSON.parse(addresses) as [string, string][])),
  };
}

/** Pairs of a host's name and its address, as JSON; null when there are none. */
function readAddresses(fields: FieldReader): string | null {
  const record = fields.within('host_addresses');
  if (record === null) return null;
  const pairs: [string, string][] = [];
  for (const name of record.keys()) {
    if (name.length > MAX_HOST_NAME || !isHost(name))
      record.fault(name, 'is not the name of a host; give it as "onehost list" shows it');
    if (!record.given(name)) record.fault(name, 'is empty; give a host name or an address');
    const address = record.host(name);
    if (address !== null) pairs.push([name, address]);
  }
  const text = JSON.stringify(pairs);
  if (Buffer.byteLength(text) <= MAX_ADDRESSES) return text;
  fields.fault('host_addresses', 'has more hosts than are kept; have their names resolved in place of it');
  return null;
}
