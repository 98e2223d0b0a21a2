// SPDX-License-Identifier: Apache-2.0
// All OpenStack sources of this site together: which of them knows a token, which of them has an instance, and what is
// true of a console at the moment somebody connects. They are asked at the same time, under one deadline, and one that
// is away never keeps the others from answering. What sources.yaml says about them comes out of the database, where
// the conductor keeps it: API and proxy nodes need no copy of the file.
import { createHash } from 'node:crypto';
import { InstanceNotReady } from '../../compute/faults.js';
import type { ConsoleType } from '../../compute/microversions.js';
import { InvalidInput, NotFound, Unavailable } from '../../exception.js';
import type { Logger } from '../../log.js';
import { signalWithin, unlessAborted } from '../../net/deadline.js';
import type { ConnectInfo } from '../../objects/connect-info.js';
import type { Consoles, DiscoveredConsole } from '../../objects/console.js';
import type { SourceDefinition, Sources } from '../../objects/source.js';
import { OpenStackDriver, type Look, type OpenStackSettings } from './driver.js';

/** `[nova]` as far as the clouds go. */
export interface CloudSettings extends OpenStackSettings {
  /** Seconds for all sources together, from the question to the answer. */
  readonly exchangeTimeout: number;
  /**
   * The URLs of the Keystone that vouches for users' tokens: no cloud of another Keystone ever sees one. Absent where no
   * user's token is at hand.
   */
  readonly userKeystones?: readonly string[];
}

/** A console with the source that it is of. */
export interface SourcedConsole {
  readonly source: string;
  readonly console: DiscoveredConsole;
}

/** What came of a token. */
export type Exchange =
  | ({ readonly kind: 'found' } & SourcedConsole)
  | { readonly kind: 'not_ready'; readonly fault: InstanceNotReady }
  /** Nobody knows it; `faults` of the sources that could not say. */
  | { readonly kind: 'unknown'; readonly faults: readonly Error[] };

/** Whom a user wants a console of. */
export interface OpenRequest {
  readonly uuid: string;
  /** The source; found out when absent. */
  readonly source?: string | undefined;
  /** `best` when absent: with the hypervisor's TLS port where Nova tells it. */
  readonly type?: ConsoleType | undefined;
  /** The user's Keystone token: Nova's policy decides. Secret. */
  readonly token: string;
}

/** What a look at connect time found. */
export type Sight =
  | { readonly kind: 'true'; readonly connectInfo: ConnectInfo | null }
  | Extract<Look, { kind: 'unknown' | 'refused' }>;

interface Cloud {
  readonly name: string;
  readonly fingerprint: string;
  /** Whether the Keystone of users' tokens is this cloud's. */
  readonly takesUsers: boolean;
  /** The driver, or why there can be none. */
  readonly driver: OpenStackDriver | Error;
}

/** The OpenStack sources. */
export class OpenStackClouds {
  #clouds = new Map<string, Cloud>();

  constructor(
    private readonly sources: Sources,
    private readonly consoles: Consoles,
    private readonly settings: CloudSettings,
    private readonly log: Pick<Logger, 'warning'>,
  ) {}

  /** Asks every source for a console token of Nova; writes the console down when one knows it. */
  async exchange(token: string): Promise<Exchange> {
    const found = await this.#ask((driver, signal) => driver.exchange(token, signal));
    return found.kind === 'found' ? this.#settle(found) : found;
  }

  /**
   * A console that Nova makes for a user; written down.
   * @throws NotFound when no source has the instance (or not for this user)
   * @throws InstanceNotReady, NovaRefused (the user may not), Unavailable, InvalidInput
   */
  async open(request: OpenRequest): Promise<SourcedConsole> {
    const { uuid, type = 'best', token } = request;
    const signal = signalWithin(this.settings.exchangeTimeout * 1000);
    const cloud =
      request.source === undefined ? await this.#ownerOf(uuid) : await this.#named(request.source);
    if (!cloud.takesUsers) {
      throw new InvalidInput(`source ${cloud.name} is of another Keystone than your token: log in there`);
    }
    const driver = driverOf(cloud);
    try {
      const opened = { source: cloud.name, console: await driver.open(uuid, type, token, signal) };
      await this.#put(opened);
      return opened;
    } catch (error) {
      if (error instanceof InstanceNotReady && error.why === 'gone') throw new NotFound('instance not found');
      throw error;
    }
  }

  /**
   * What is true of a console now; what has changed is written down, and a console whose instance is gone is removed.
   * Never waits longer than the deadline.
   */
  async look(source: string, uuid: string, deadline: AbortSignal): Promise<Sight> {
    const cloud = (await this.#current()).get(source);
    if (cloud === undefined) return { kind: 'unknown', why: 'the source is not configured any more' };
    if (cloud.driver instanceof Error) return { kind: 'unknown', why: cloud.driver.message };
    for (let looks = 1; ; looks += 1) {
      const console = await this.consoles.reportedOne(source, uuid);
      if (console === null) return { kind: 'refused', why: 'gone' };
      const asked = performance.now();
      const look = await unlessAborted(cloud.driver.look(console, deadline), deadline);
      if (look === null) return unlessMoved(console, 'no answer in time');
      if (look.kind === 'refused' && look.why === 'gone') await this.consoles.remove(source, uuid);
      if (look.kind === 'unknown') return unlessMoved(console, look.why);
      if (look.kind !== 'true') return look;
      // News that came in meanwhile may be newer than the answer: then it is asked for once more.
      const before = looks < LOOKS ? console : undefined;
      const askedAgo = secondsSince(asked);
      if (await this.consoles.put(source, look.console, { askedAgo, before }))
        return { kind: 'true', connectInfo: await this.consoles.connectInfo(source, uuid) };
    }
  }

  /**
   * Asks a source about one of its consoles and writes down the answer, its present address included; removes it when
   * its instance is gone. What came of it: `away` when the source has left the configuration, or the console is gone;
   * `overtaken` when news of it came in meanwhile.
   * @throws Unavailable when the source does not answer
   */
  async review(
    source: string,
    uuid: string,
    deadline: AbortSignal,
  ): Promise<'written' | 'removed' | 'overtaken' | 'away'> {
    const driver = (await this.#current()).get(source)?.driver;
    const console = await this.consoles.reportedOne(source, uuid);
    if (driver === undefined || console === null) return 'away';
    if (driver instanceof Error) throw new Unavailable(driver.message);
    const asked = performance.now();
    const now = await driver.review(console, deadline);
    if (now === null) return (await this.consoles.remove(source, uuid)) ? 'removed' : 'away';
    const askedAgo = secondsSince(asked);
    return (await this.consoles.put(source, now, { askedAgo, before: console })) ? 'written' : 'overtaken';
  }

  // A token goes on naming the address of its making. Where another one is on record, Nova has to say which is true: a
  // running session of the console must not lose its way because somebody has kept an old link.
  async #settle(found: Extract<Exchange, { kind: 'found' }>): Promise<Exchange> {
    const { source, console } = found;
    const known = await this.consoles.reportedOne(source, console.uuid);
    if (known === null || sameAddress(known, console)) {
      await this.#put(found);
      return found;
    }
    const driver = (await this.#current()).get(source)?.driver;
    if (driver === undefined || driver instanceof Error) return found;
    const deadline = signalWithin(this.settings.exchangeTimeout * 1000);
    const look = await unlessAborted(driver.look(console, deadline), deadline);
    if (look?.kind === 'refused' && look.why !== 'stale')
      return { kind: 'not_ready', fault: new InstanceNotReady(look.why) };
    if (look?.kind !== 'true') return found;
    await this.consoles.put(source, look.console, { askedAgo: this.settings.exchangeTimeout });
    return { kind: 'found', source, console: look.console };
  }

  // A token of html5 does not tell the TLS port: as long as the plain one is the same, so is the guest behind it.
  async #put({ source, console }: SourcedConsole): Promise<void> {
    const known = await this.consoles.reportedOne(source, console.uuid);
    const same = known !== null && sameAddress(known, console);
    const securePort = console.securePort ?? (same ? known.securePort : null);
    const { addressHost, addressStale } = same ? known : console;
    const written = { ...console, securePort, addressHost, addressStale };
    await this.consoles.put(source, written, { askedAgo: this.settings.exchangeTimeout });
  }

  /** The first source that gives something wins; the others are not waited for. */
  async #ask(
    question: (driver: OpenStackDriver, signal: AbortSignal) => Promise<DiscoveredConsole | null>,
  ): Promise<Exchange> {
    const clouds = [...(await this.#current()).values()];
    const done = new AbortController();
    const signal = signalWithin(this.settings.exchangeTimeout * 1000, done.signal);
    const faults: Error[] = [];
    return new Promise<Exchange>((resolve) => {
      const answer = (exchange: Exchange): void => {
        resolve(exchange);
        done.abort();
      };
      const asked = clouds.map(async (cloud) => {
        const { name: source, driver } = cloud;
        try {
          if (driver instanceof Error) throw driver;
          const console = await unlessAborted(question(driver, signal), signal);
          if (console !== null) answer({ kind: 'found', source, console });
          else if (signal.aborted) throw new Unavailable('no answer in time');
        } catch (error) {
          if (error instanceof InstanceNotReady) answer({ kind: 'not_ready', fault: error });
          else if (!done.signal.aborted) faults.push(this.#report(source, error));
        }
      });
      void Promise.all(asked).then(() => answer({ kind: 'unknown', faults }));
    });
  }

  #report(source: string, error: unknown): Error {
    const fault = error instanceof Error ? error : new Error(String(error));
    this.log.warning('source does not answer', { source, fault: fault.message });
    return fault;
  }

  /** Which cloud has an instance is asked with each cloud's own login: no user's token goes to a cloud it is not of. */
  async #ownerOf(uuid: string): Promise<Cloud> {
    const clouds = await this.#current();
    const [first, second] = [...clouds.values()].filter((cloud) => cloud.takesUsers);
    if (first === undefined) throw new NotFound('instance not found');
    if (second === undefined) return first;
    const found = await this.#ask(async (driver, signal) => {
      const instance = await driver.nova.server(uuid, { signal });
      return instance === null ? null : PRESENT;
    });
    if (found.kind === 'not_ready') throw found.fault;
    const cloud = found.kind === 'found' ? clouds.get(found.source) : undefined;
    if (cloud !== undefined) return cloud;
    if (found.kind === 'unknown' && found.faults.length > 0)
      throw new Unavailable('not every source answers, and none of the others has the instance');
    throw new NotFound('instance not found');
  }

  async #named(name: string): Promise<Cloud> {
    const cloud = (await this.#current()).get(name);
    if (cloud === undefined) throw new NotFound('source not found');
    return cloud;
  }

  // A changed definition gets a new driver; the old one's requests end by their deadlines.
  async #current(): Promise<Map<string, Cloud>> {
    const definitions = await this.sources.definitions('openstack');
    const next = new Map<string, Cloud>();
    for (const definition of definitions) {
      const fingerprint = createHash('sha256').update(JSON.stringify(definition)).digest('hex');
      const old = this.#clouds.get(definition.name);
      const keep = old?.fingerprint === fingerprint ? old : this.#cloud(definition, fingerprint);
      next.set(definition.name, keep);
    }
    this.#clouds = next;
    return next;
  }

  #cloud(definition: SourceDefinition, fingerprint: string): Cloud {
    const { name } = definition;
    const takesUsers = (this.settings.userKeystones ?? []).some((url) =>
      sameKeystone(url, definition.url ?? ''),
    );
    try {
      return { name, fingerprint, takesUsers, driver: new OpenStackDriver(definition, this.settings) };
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      return { name, fingerprint, takesUsers, driver: new InvalidInput(fault) };
    }
  }
}

/** Looks at one console at most, while news of it keeps coming in. */
const LOOKS = 2;

/** Stands for "has it" where only the source matters. */
const PRESENT: DiscoveredConsole = {
  ...{ uuid: '', name: '', hypervisor: '', hypervisorIp: '', insecurePort: null, securePort: null },
  ...{ hostSubject: null, ticket: '' },
};

/** Whether two URLs name one Keystone, with or without its version. */
function sameKeystone(one: string, other: string): boolean {
  const [a, b] = [one, other].map((url): string | null => {
    if (!URL.canParse(url)) return null;
    const { origin, pathname } = new URL(url);
    return origin + pathname.replace(/(\/v3)?\/*$/, '');
  });
  return a !== null && a === b;
}

// It runs elsewhere, and that is all that is known: its old address leads to somebody else, or to nobody.
function unlessMoved(console: DiscoveredConsole, why: string): Sight {
  const { addressHost, instanceHost } = console;
  return addressHost && instanceHost && addressHost !== instanceHost
    ? { kind: 'refused', why: 'stale' }
    : { kind: 'unknown', why };
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

function sameAddress(a: DiscoveredConsole, b: DiscoveredConsole): boolean {
  return a.hypervisor === b.hypervisor && a.insecurePort === b.insecurePort;
}

function driverOf({ driver }: Cloud): OpenStackDriver {
  if (driver instanceof Error) throw new Unavailable(driver.message);
  return driver;
}
