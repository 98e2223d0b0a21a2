// SPDX-License-Identifier: Apache-2.0
// The driver of one oVirt source: lists the SPICE consoles of guests that are up, says where one is when a session begins, and
// has the engine make its ticket. Two requests list an engine of 500 guests, and one more lists each further 500.
import type { DiscoveredConsole } from '../../objects/console.js';
import type { SourceDefinition } from '../../objects/source.js';
import { apiLoginOf } from '../api-entry.js';
import { askedLocation, type FoundConsole } from '../console-address.js';
import type { Discovery, Location, Minted, RecordedConsole, SourceDriver } from '../driver.js';
import { eachOf } from '../each-of.js';
import { LastDiscovery } from '../last-discovery.js';
import type { DriverServices } from '../platform.js';
import { isKnownCa } from '../published-ca.js';
import { OvirtClient } from './client.js';
import { sameObjects } from '../read-answers.js';
import { consoleOf, readGuest, readHosts, statusFault, type Guests, type Hosts } from './inventory.js';

/** How long an answer about hosts serves consoles that are opened, milliseconds. */
const HOSTS_MS = 60_000;
/** How long a ticket opens channels, seconds. */
const TICKET_TIME = 120;
/** Guests that a listing lacks and that are looked at one by one, in one discovery; the others wait for the next. */
const MOST_LOOKED_AT = 200;
const PAGE = 500;

/** What is recorded and not listed, and has a console even so; `unread`: of which that is not known. */
interface Missing {
  readonly consoles: readonly DiscoveredConsole[];
  readonly unread: readonly string[];
}

/** A discovery with nothing in it that has to be looked at again, and what it was made of. */
interface Settled {
  readonly pages: readonly Guests[];
  /** Hosts, as text. */
  readonly hosts: string;
  readonly discovery: Discovery;
}

/** Serves one engine. */
export class OvirtDriver implements SourceDriver {
  readonly type = 'ovirt';
  private readonly source: string;
  private readonly caCert: string | null;
  private readonly client: OvirtClient;
  private readonly consoles: DriverServices['consoles'];
  private readonly listTime: number;
  private readonly last = new LastDiscovery();
  private hosts: { readonly hosts: Hosts; readonly at: number } | undefined;
  private settled: Settled | undefined;

  /**
   * @throws InvalidInput when the definition lacks what a login takes
   * @throws StartupError when the file of `verify` cannot be read
   */
  constructor(definition: SourceDefinition, { consoles, conf }: DriverServices) {
    this.source = definition.name;
    this.caCert = definition.caCert ?? null;
    this.consoles = consoles;
    this.listTime = conf.sources.discoveryTimeout;
    this.client = new OvirtClient(apiLoginOf(definition), { timeout: conf.sources.requestTimeout });
  }

  async discover(signal: AbortSignal): Promise<Discovery> {
    await this.checkCa(signal);
    const pages = await this.client.guestsUp(this.listTime, signal);
    const hosts = await this.allHosts(signal);
    const known = JSON.stringify([...hosts]);
    const { settled } = this;
    if (settled?.hosts === known && sameObjects(settled.pages, pages)) return settled.discovery;
    this.settled = undefined;
    const listed = new Set(pages.flatMap((page) => [...page.listed]));
    const missing = await this.stillThere(listed, signal);
    const discovery = this.last.keep(found(pages, hosts, missing));
    if (missing.consoles.length + missing.unread.length === 0)
      this.settled = { pages, hosts: known, discovery };
    return discovery;
  }

  // Hosts and ports change: they are asked for again, and what has changed is recorded.
  locate({ uuid, target }: RecordedConsole, signal: AbortSignal): Promise<Location> {
    return askedLocation(
      target,
      () => this.find(uuid, signal),
      (console) => this.consoles.put(this.source, console),
    );
  }

  // Asked for anew for channels that come later than a ticket lasts: the guest has one at a time.
  async mint({ uuid, target }: RecordedConsole, signal: AbortSignal): Promise<Minted> {
    const made = await this.client.ticket(uuid, TICKET_TIME, signal);
    if (made.kind === 'refused') throw this.client.fault(`makes no ticket: ${made.why}`);
    return { target: { ...target, ticket: made.value }, validFor: made.validFor };
  }

  /**
   * Consoles that are recorded and that a listing lacks, of guests that have one even so: they moved past the border of two
   * pages, restart or migrate at this moment, or the user sees fewer guests than before.
   */
  private async stillThere(listed: ReadonlySet<string>, signal: AbortSignal): Promise<Missing> {
    const missing: string[] = [];
    let marker = '';
    for (;;) {
      const known = await this.consoles.reported(this.source, marker, PAGE);
      missing.push(...known.map(({ uuid }) => uuid).filter((uuid) => !listed.has(uuid)));
      const last = known.at(-1);
      if (last === undefined || known.length < PAGE) break;
      marker = last.uuid;
    }
    const consoles: DiscoveredConsole[] = [];
    const unread = missing.slice(MOST_LOOKED_AT);
    await eachOf(missing.slice(0, MOST_LOOKED_AT), async (uuid) => {
      const found = await this.find(uuid, signal);
      if (found.kind === 'console') consoles.push(found.console);
      else if (found.kind === 'unknown' || found.why === 'moving') unread.push(uuid);
    });
    return { consoles, unread };
  }

  /** @throws Unavailable when the platform's CA is another one than the source's */
  private async checkCa(signal: AbortSignal): Promise<void> {
    if (this.caCert === null) return;
    if (isKnownCa(await this.client.caCertificate(signal), this.caCert)) return;
    throw this.client.fault(
      'has another CA than ca_cert; put that of /services/pki-resource?resource=ca-certificate&format=X509-PEM-CA there',
    );
  }

  private async allHosts(signal: AbortSignal): Promise<Hosts> {
    const hosts = readHosts(await this.client.hosts(this.listTime, signal));
    this.hosts = { hosts, at: performance.now() };
    return hosts;
  }

  /** A guest as it is now. @throws Unavailable */
  private async find(uuid: string, signal: AbortSignal): Promise<FoundConsole> {
    const answer = await this.client.guest(uuid, signal);
    if (answer === null) return { kind: 'none', why: 'gone' };
    const guest = readGuest(answer);
    if (guest === 'other') return { kind: 'none', why: 'stopped' };
    if (guest === null || guest.id !== uuid)
      throw this.client.fault(
        'answered with something that is not the guest; see whether url is that of the engine',
      );
    const why = statusFault(guest.status);
    if (why === 'unknown') return { kind: 'unknown', why: `oVirt says of the guest: ${guest.status}` };
    if (why !== null) return { kind: 'none', why };
    const host = guest.host === null ? undefined : await this.host(guest.host, signal);
    const console = host === undefined ? null : consoleOf(guest, host);
    if (console === null) return { kind: 'unknown', why: 'oVirt does not tell its host or its ports' };
    return { kind: 'console', console };
  }

  private async host(id: string, signal: AbortSignal): Promise<ReturnType<Hosts['get']>> {
    const known = this.hosts;
    const fresh = known !== undefined && performance.now() - known.at < HOSTS_MS;
    return (fresh ? known.hosts.get(id) : undefined) ?? (await this.allHosts(signal)).get(id);
  }
}

/** The consoles of a listing. Of a guest that is on two pages the last one counts. */
function found(pages: readonly Guests[], hosts: Hosts, missing: Missing): Discovery {
  const consoles = new Map(missing.consoles.map((console) => [console.uuid, console]));
  const unread = new Set(missing.unread);
  for (const page of pages) {
    for (const id of page.unread) unread.add(id);
    for (const guest of page.guests) {
      const host = guest.host === null ? undefined : hosts.get(guest.host);
      const console = host === undefined ? null : consoleOf(guest, host);
      // On a host that is not known, or without a port: it is there, and stays as it was.
      if (console === null) unread.add(guest.id);
      else consoles.set(guest.id, console);
    }
  }
  return {
    consoles: [...consoles.values()].sort((a, b) => (a.uuid < b.uuid ? -1 : 1)),
    unread: { uuids: [...unread].sort(), nameless: pages.some(({ nameless }) => nameless) },
  };
}
