// SPDX-License-Identifier: Apache-2.0
// The driver of one OpenNebula zone: lists the SPICE consoles of virtual machines that run, and says where one is when a session
// begins. A console is known by the id of its virtual machine. The password stands in the listing, and is kept as that of a static
// console is.
import type { DiscoveredConsole } from '../../objects/console.js';
import type { SourceDefinition } from '../../objects/source.js';
import { askedLocation, type FoundConsole } from '../console-address.js';
import type { Discovery, Location, RecordedConsole, SourceDriver } from '../driver.js';
import { eachOf } from '../each-of.js';
import { LastDiscovery } from '../last-discovery.js';
import type { DriverServices } from '../platform.js';
import { openNebulaEntry, type OpenNebulaEntry } from './entry.js';
import { consoleOf, guestFault, readVm } from './inventory.js';
import { VmListing, type Listing } from './listing.js';
import { OpenNebulaRpc, REFUSED, RpcRefused } from './rpc.js';

/** Guests that a listing lacks and that are looked at one by one, in one discovery; the others wait for the next. */
const MOST_LOOKED_AT = 200;
const PAGE = 500;
const ID = /^\d{1,10}$/;

/** Serves one zone. */
export class OpenNebulaDriver implements SourceDriver {
  readonly type = 'opennebula';
  private readonly source: string;
  private readonly entry: OpenNebulaEntry;
  private readonly rpc: OpenNebulaRpc;
  private readonly listing: VmListing;
  private readonly consoles: DriverServices['consoles'];
  private readonly last = new LastDiscovery();
  private settled: Discovery | undefined;

  /**
   * @throws InvalidInput when the definition lacks what a login takes
   * @throws StartupError when the file of `verify` cannot be read
   */
  constructor(definition: SourceDefinition, { consoles, conf }: DriverServices) {
    this.source = definition.name;
    this.entry = openNebulaEntry(definition);
    this.consoles = consoles;
    this.rpc = new OpenNebulaRpc(this.entry.login, conf.sources.requestTimeout);
    this.listing = new VmListing(this.rpc, this.entry.filter, conf.sources.discoveryTimeout);
  }

  async discover(signal: AbortSignal): Promise<Discovery> {
    const { settled } = this;
    this.settled = undefined;
    const listing = await this.listing.list(signal);
    const found = !listing.changed && settled !== undefined ? settled : await this.read(listing, signal);
    // What is in doubt is looked at again.
    if (found.fault == null && found.unread.uuids.length === 0) this.settled = found;
    return found;
  }

  // Hosts, ports and passwords change: they are asked for again, and what has changed is recorded.
  locate({ uuid, target }: RecordedConsole, signal: AbortSignal): Promise<Location> {
    return askedLocation(
      target,
      () => this.find(uuid, signal),
      (console) => this.consoles.put(this.source, console),
    );
  }

  private async read(listing: Listing, signal: AbortSignal): Promise<Discovery> {
    const consoles: DiscoveredConsole[] = [];
    const unread: string[] = [];
    const listed = new Set<string>();
    let nameless = false;
    for (const range of listing.ranges) {
      nameless ||= range.nameless;
      for (const id of range.listed) listed.add(String(id));
      unread.push(...range.unread.map(String));
      for (const guest of range.guests) {
        const why = guestFault(guest);
        const console = why === null ? consoleOf(guest, this.entry.addresses) : null;
        if (console !== null) consoles.push(console);
        // On the move, in doubt, or without a port: it is there, and stays as it was.
        else if (why === null || why === 'moving' || why === 'unknown') unread.push(String(guest.id));
      }
    }
    const missing = await this.missing(listed, signal);
    consoles.push(...missing.consoles);
    consoles.sort((a, b) => Number(a.uuid) - Number(b.uuid));
    const uuids = [...unread, ...missing.unread].sort((a, b) => Number(a) - Number(b));
    return this.last.keep({ consoles, unread: { uuids, nameless }, fault: missing.fault });
  }

  /**
   * Consoles that are recorded and that a listing lacks: OpenNebula hides what a user has lost the right to, so that each is asked about
   * before it goes.
   */
  private async missing(
    listed: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<{ consoles: DiscoveredConsole[]; unread: string[]; fault: string | null }> {
    const recorded = await this.recorded();
    const lacking = recorded.filter((uuid) => !listed.has(uuid));
    const consoles: DiscoveredConsole[] = [];
    const unread = lacking.slice(MOST_LOOKED_AT);
    let hidden = 0;
    await eachOf(lacking.slice(0, MOST_LOOKED_AT), async (uuid) => {
      try {
        const found = await this.find(uuid, signal);
        // One that runs and is not listed is not in what `filter` asks for.
        if (found.kind === 'console' && this.entry.filter === 'all') consoles.push(found.console);
        if (found.kind === 'unknown' || (found.kind === 'none' && found.why === 'moving')) unread.push(uuid);
      } catch (error) {
        if (!isHidden(error)) throw error;
        // Given to somebody else, which is what these filters are about.
        if (this.entry.filter !== 'all' && listed.size > 0) return;
        hidden += 1;
        unread.push(uuid);
      }
    });
    return { consoles, unread, fault: hidden === 0 ? null : this.hiddenFault(hidden) };
  }

  private async recorded(): Promise<string[]> {
    const uuids: string[] = [];
    let marker = '';
    for (;;) {
      const page = await this.consoles.reported(this.source, marker, PAGE);
      uuids.push(...page.map(({ uuid }) => uuid));
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return uuids;
      marker = last.uuid;
    }
  }

  private hiddenFault(count: number): string {
    const user = JSON.stringify(this.entry.login.username);
    return this.rpc.fault(
      `does not show ${String(count)} of the known virtual machines to user ${user} any more; give it the right USE on VM/*`,
    ).message;
  }

  /** A guest as it is now. @throws Unavailable */
  private async find(uuid: string, signal: AbortSignal): Promise<FoundConsole> {
    if (!ID.test(uuid)) return { kind: 'none', why: 'gone' };
    let text: string;
    try {
      text = this.rpc.read(await this.rpc.call('one.vm.info', [Number(uuid)], signal), 'a virtual machine');
    } catch (error) {
      if (error instanceof RpcRefused && error.code === REFUSED.unknown) return { kind: 'none', why: 'gone' };
      throw error;
    }
    const guest = readVm(text);
    if (guest === 'other') return { kind: 'none', why: 'stopped' };
    if (guest === null || String(guest.id) !== uuid)
      throw this.rpc.fault(
        'answered with something that is not the virtual machine; see whether url is right',
      );
    const why = guestFault(guest);
    if (why === 'unknown') return { kind: 'unknown', why: 'OpenNebula does not know what the guest does' };
    if (why !== null) return { kind: 'none', why };
    const console = consoleOf(guest, this.entry.addresses);
    return console === null
      ? { kind: 'unknown', why: 'OpenNebula does not tell its host or its port' }
      : { kind: 'console', console };
  }
}

function isHidden(error: unknown): boolean {
  return error instanceof RpcRefused && error.code === REFUSED.authorization;
}
