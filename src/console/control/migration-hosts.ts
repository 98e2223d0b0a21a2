// SPDX-License-Identifier: Apache-2.0
// Whether a guest may be followed to the place that its hypervisor names. Names are resolved here, once: what was judged is what
// is dialled.
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isNetwork } from '../../conf/migration.js';
import { plainAddress } from '../../net/address.js';
import { withDeadline } from '../../net/deadline.js';
import { NetworkList } from '../../net/network-list.js';

/** For how long names are resolved. */
const LOOKUP_TIMEOUT_MS = 2000;
/** Names of a list that are resolved at most; the others are compared as they are. */
const MAX_LOOKUPS = 64;

/** Gives the addresses of a name. @throws when it has none */
export type NameLookup = (name: string) => Promise<readonly string[]>;

/** What a judge knows of a site. */
export interface HostsDependencies {
  /** The names and addresses of the hypervisors of a source's consoles. @throws DatabaseError */
  readonly known: (source: string) => Promise<readonly string[]>;
  /** The same by what the platform of the source says; empty where it says nothing. */
  readonly ofPlatform: (source: string, platform: string) => Promise<readonly string[]>;
  readonly lookup?: NameLookup;
}

/** What is judged. */
export interface NamedHost {
  readonly source: string;
  readonly platform: string;
  /** Name or address, as the hypervisor gave it. */
  readonly host: string;
}

/** The address to dial, or why not. */
export type HostVerdict =
  | { readonly kind: 'allowed'; readonly address: string }
  | { readonly kind: 'forbidden'; readonly why: string };

/** Judges the destinations of migrations. */
export class MigrationHosts {
  private readonly lookup: NameLookup;

  constructor(private readonly parts: HostsDependencies) {
    this.lookup = parts.lookup ?? systemNames;
  }

  /**
   * Judges a place.
   *
   * @param allowed `[migration] allowed_hosts`; empty: the hypervisors of the source
   * @throws DatabaseError
   */
  async judge({ source, platform, host }: NamedHost, allowed: readonly string[]): Promise<HostVerdict> {
    const addresses = await this.addressesOf(host);
    const [address] = addresses;
    if (address === undefined) return { kind: 'forbidden', why: 'its name does not resolve' };
    const place = { host, addresses };
    if (allowed.length > 0)
      return (await this.isAmong(place, allowed))
        ? { kind: 'allowed', address }
        : { kind: 'forbidden', why: '[migration] allowed_hosts does not have it' };
    const is =
      (await this.isAmong(place, await this.parts.known(source))) ||
      (await this.isAmong(place, await this.parts.ofPlatform(source, platform)));
    if (is) return { kind: 'allowed', address };
    return { kind: 'forbidden', why: 'it is no hypervisor that the source is known to have' };
  }

  private async isAmong(
    { host, addresses }: { readonly host: string; readonly addresses: readonly string[] },
    list: readonly string[],
  ): Promise<boolean> {
    const named = host.toLowerCase();
    if (list.some((entry) => entry.toLowerCase() === named)) return true;
    const networks = new NetworkList(list.filter((entry) => isNetwork(entry)));
    if (addresses.every((address) => networks.has(address))) return true;
    const names = list.filter((entry) => !isNetwork(entry)).slice(0, MAX_LOOKUPS);
    const resolved = await Promise.all(names.map((name) => this.addressesOf(name)));
    const known = new Set(resolved.flat());
    return addresses.every((address) => known.has(address));
  }

  private async addressesOf(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return [plainAddress(host)];
    try {
      const late = (): Error => new Error('no answer in time');
      const found = await withDeadline(this.lookup(host), LOOKUP_TIMEOUT_MS, late);
      return found.map((address) => plainAddress(address));
    } catch {
      return [];
    }
  }
}

async function systemNames(name: string): Promise<readonly string[]> {
  return (await systemLookup(name, { all: true })).map(({ address }) => address);
}
