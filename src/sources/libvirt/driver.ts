// SPDX-License-Identifier: Apache-2.0
// The driver of one libvirt daemon with QEMU: lists the running guests that have a SPICE display, hears of those that start, stop and move,
// and reads a guest's password and address as its channels open. The list is read on a read-only connection; only passwords need
// another one, which is made when a console is opened. A console is known by the UUID of its guest, which QEMU reports, too.
import { Unavailable } from '../../exception.js';
import type { ConnectInfo } from '../../objects/connect-info.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import { InstanceNotReady } from '../../objects/instance-fault.js';
import type { SourceDefinition } from '../../objects/source.js';
import { SshHosts } from '../../ssh/ssh-host.js';
import type { Discovery, Location, Minted, RecordedConsole, SourceDriver } from '../driver.js';
import { eachOf } from '../each-of.js';
import { guestName } from '../guest-name.js';
import { LastDiscovery } from '../last-discovery.js';
import type { DriverServices } from '../platform.js';
import { shownText } from '../platform-api.js';
import { reachOf } from './address.js';
import { LibvirtDaemon } from './daemon.js';
import { domainFacts, type DomainFacts } from './domain-xml.js';
import { hostOf, withoutSasl } from './endpoint.js';
import { libvirtLogin, type LibvirtLogin } from './entry.js';
import type { Domain } from './remote.js';
import { Transport } from './transport.js';

/**
 * Seconds for which what was read of a guest opens channels: as long as the channels of a desktop take to come, so that a guest that has
 * restarted meanwhile is not looked for at its old port.
 */
const MINT_LIFE = 8;
/** Guests that a list lacks and that are asked about one by one, in one discovery. */
const MOST_LOOKED_AT = 500;
const PAGE = 500;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Known {
  readonly id: number;
  /** null: its description cannot be read. */
  readonly facts: DomainFacts | null;
}

/** Serves one daemon. */
export class LibvirtDriver implements SourceDriver {
  readonly type = 'libvirt';
  private readonly source: string;
  private readonly login: LibvirtLogin;
  private readonly place: string;
  private readonly consoles: DriverServices['consoles'];
  private readonly reading: LibvirtDaemon;
  private readonly opening: LibvirtDaemon;
  private readonly last = new LastDiscovery();
  private known = new Map<string, Known>();
  private listed: ReadonlySet<string> | null = null;
  /** Guests of which something has been told since they were read. */
  private dirty = new Set<string>();
  /** Whether the daemon tells of changes, and has since `known` was read. */
  private told = false;
  /** How often it has begun to. */
  private beginnings = 0;

  /** @throws InvalidInput when the definition lacks something */
  constructor(definition: SourceDefinition, { consoles }: Pick<DriverServices, 'consoles'>) {
    this.source = definition.name;
    this.consoles = consoles;
    this.login = libvirtLogin(definition);
    const { endpoint } = this.login;
    this.place = `libvirt at ${hostOf(endpoint.way)}`;
    const transport = new Transport(this.login, new SshHosts(), this.place);
    const common = {
      ...{ transport, driver: endpoint.driver, place: this.place },
      withoutSasl: withoutSasl(endpoint.way),
    };
    this.reading = new LibvirtDaemon({ ...common, readOnly: true });
    this.opening = new LibvirtDaemon({ ...common, readOnly: endpoint.readOnly });
  }

  async discover(signal: AbortSignal): Promise<Discovery> {
    const domains = await this.reading.running(signal);
    const before: ReadonlyMap<string, Known> = this.told ? this.known : new Map<string, Known>();
    const { dirty, beginnings } = this;
    this.dirty = new Set();
    const known = new Map<string, Known>();
    await eachOf(domains, async (domain) => {
      const old = dirty.has(domain.uuid) ? undefined : before.get(domain.uuid);
      const now = old?.id === domain.id ? old : await this.read(domain, signal);
      if (now !== null) known.set(domain.uuid, now);
    });
    const unread = await this.missing(known, signal);
    this.known = beginnings === this.beginnings ? known : new Map<string, Known>();
    this.listed = new Set(known.keys());
    return this.last.keep(this.discovery(known, unread));
  }

  watch(changed: () => void, signal: AbortSignal): Promise<void> {
    return this.reading.watch(
      {
        changed: (uuid) => {
          this.dirty.add(uuid);
          changed();
        },
        begun: () => {
          this.known = new Map();
          this.beginnings += 1;
          this.told = true;
          changed();
        },
        ended: () => {
          this.told = false;
          if (!signal.aborted) changed();
        },
      },
      signal,
    );
  }

  // What it cannot find out, mint says: without it there is no connection.
  async locate({ uuid, target }: RecordedConsole, signal: AbortSignal): Promise<Location> {
    try {
      await this.domain(uuid, signal);
    } catch (error) {
      if (error instanceof InstanceNotReady) return { kind: 'denied', why: error.why };
      if (error instanceof Unavailable) return { kind: 'recorded' };
      throw error;
    }
    return { kind: 'confirmed', target: { ...target, hypervisor: hostOf(this.login.endpoint.way) } };
  }

  async mint({ uuid, target }: RecordedConsole, signal: AbortSignal): Promise<Minted> {
    const { endpoint, ssh, password } = this.login;
    const domain = await this.domain(uuid, signal);
    const xml = await this.opening.describe(domain, !endpoint.readOnly, signal);
    if (xml === null) throw new InstanceNotReady('gone');
    const spice = domainFacts(xml)?.spice ?? null;
    if (spice === null) throw this.fault(domain, 'it has no SPICE display that can be read');
    const reach = reachOf(spice, endpoint.way, ssh);
    if (typeof reach === 'string') throw this.fault(domain, reach);
    const { passwordUntil } = spice;
    const left = passwordUntil === null ? Infinity : passwordUntil - Date.now() / 1000;
    if (left <= 0)
      throw this.fault(
        domain,
        'its SPICE password has expired (passwdValidTo); set another one, by virsh update-device --live',
      );
    const rest: ConnectInfo = { ...target };
    delete rest.route;
    const ticket = spice.password ?? password;
    return { target: { ...rest, ...reach, ticket }, validFor: Math.min(MINT_LIFE, left) };
  }

  /** A guest that runs. @throws InstanceNotReady, Unavailable */
  private async domain(uuid: string, signal: AbortSignal): Promise<Domain> {
    const domain = UUID.test(uuid) ? await this.opening.find(uuid, signal) : null;
    if (domain === null) throw new InstanceNotReady('gone');
    if (domain.id < 0) throw new InstanceNotReady('stopped');
    return domain;
  }

  private async read(domain: Domain, signal: AbortSignal): Promise<Known | null> {
    const xml = await this.reading.describe(domain, false, signal);
    return xml === null ? null : { id: domain.id, facts: domainFacts(xml) };
  }

  /** Consoles that the list lacks and whose guests run even so: the account may see fewer guests than before. */
  private async missing(known: ReadonlyMap<string, Known>, signal: AbortSignal): Promise<string[]> {
    const before = this.listed ?? (await this.recorded());
    const lacking = [...before].filter((uuid) => !known.has(uuid) && UUID.test(uuid));
    const unread = lacking.slice(MOST_LOOKED_AT);
    await eachOf(lacking.slice(0, MOST_LOOKED_AT), async (uuid) => {
      if (!(await this.isOver(uuid, signal))) unread.push(uuid);
    });
    return unread;
  }

  private async isOver(uuid: string, signal: AbortSignal): Promise<boolean> {
    try {
      const domain = await this.reading.find(uuid, signal);
      return domain === null || domain.id < 0;
    } catch (error) {
      if (error instanceof Unavailable) return false;
      throw error;
    }
  }

  private async recorded(): Promise<Set<string>> {
    const uuids = new Set<string>();
    for (let marker = ''; ;) {
      const page = await this.consoles.reported(this.source, marker, PAGE);
      for (const { uuid } of page) uuids.add(uuid);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return uuids;
      marker = last.uuid;
    }
  }

  private discovery(known: ReadonlyMap<string, Known>, missing: readonly string[]): Discovery {
    const consoles: DiscoveredConsole[] = [];
    const unread = [...missing];
    const faults: string[] = [];
    for (const [uuid, { facts }] of known) {
      if (facts === null) {
        unread.push(uuid);
        faults.push(`guest ${uuid}: its description cannot be read`);
        continue;
      }
      if (facts.spice === null) continue;
      const reach = reachOf(facts.spice, this.login.endpoint.way, this.login.ssh);
      if (typeof reach === 'string') {
        unread.push(uuid);
        faults.push(`guest ${shownText(facts.title)}: ${reach}`);
      } else consoles.push(consoleOf(facts, reach, hostOf(this.login.endpoint.way)));
    }
    const more = faults.length > 1 ? `; and ${String(faults.length - 1)} more` : '';
    const [first] = faults.sort();
    return {
      consoles: consoles.sort((a, b) => (a.uuid < b.uuid ? -1 : 1)),
      unread: { uuids: unread.sort(), nameless: false },
      fault: first === undefined ? null : `${first}${more}`,
    };
  }

  private fault({ name }: Domain, text: string): Unavailable {
    return new Unavailable(`${this.place}, guest ${shownText(name)}: ${text}`);
  }
}

/** What is recorded: ports only where they are dialled; all else is read again when a console opens. */
function consoleOf(
  { uuid, title, tags }: DomainFacts,
  { hypervisor, hypervisorIp, insecurePort, securePort, route }: Exclude<ReturnType<typeof reachOf>, string>,
  host: string,
): DiscoveredConsole {
  const dialled = route === undefined;
  return {
    ...{ uuid, name: guestName(title), hypervisor, hypervisorIp },
    ...{ insecurePort: dialled ? insecurePort : null, securePort: dialled ? securePort : null },
    ...{ hostSubject: null, ticket: '', instanceState: 'running', instanceHost: host, tags },
  };
}
