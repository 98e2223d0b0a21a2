// SPDX-License-Identifier: Apache-2.0
// The driver of one OpenStack source: asks its cloud, and records the answers. A token or a console of Nova has the address
// from the time it was made; only Nova knows whether the instance still has it.
import { NovaRefused } from '../../compute/faults.js';
import type { ConsoleType } from '../../compute/microversions.js';
import { InvalidInput, PlatformRefused } from '../../exception.js';
import { unlessAborted } from '../../net/deadline.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import { InstanceNotReady } from '../../objects/instance-fault.js';
import type { SourceDefinition } from '../../objects/source.js';
import type { Location, PlatformTokens, RecordedConsole, SourceDriver, UserConsoles } from '../driver.js';
import type { DriverServices } from '../platform.js';
import { OpenStackCloud } from './cloud.js';

/** How often Nova is asked about one console at most, while newer events of it keep coming in. */
const MAX_LOOKUPS = 2;
const TYPES: readonly string[] = ['spice-direct', 'spice-html5', 'novnc'] satisfies ConsoleType[];
const REFUSALS = { 400: 'invalid', 401: 'unauthenticated', 403: 'forbidden', 501: 'unsupported' } as const;

/** Serves one cloud. */
export class OpenStackDriver implements SourceDriver {
  readonly type = 'openstack';
  readonly tokens: PlatformTokens;
  readonly users: UserConsoles;
  private readonly source: string;
  private readonly cloud: OpenStackCloud;
  private readonly consoles: DriverServices['consoles'];
  /** Seconds that may have passed between a question and the record of its answer. */
  private readonly answerTime: number;

  /**
   * @throws InvalidInput when the definition lacks what a login takes
   * @throws StartupError when the CA file cannot be read
   */
  constructor(definition: SourceDefinition, { consoles, conf }: DriverServices) {
    this.source = definition.name;
    this.consoles = consoles;
    this.answerTime = conf.nova.exchangeTimeout;
    const images = conf.guestPolicy?.imageProperties !== 'ignore';
    this.cloud = new OpenStackCloud(definition, conf.nova.requestTimeout, images);
    this.tokens = {
      resolve: (token, protocol, signal) => this.cloud.exchange(token, protocol, signal),
      adopt: (console, signal) => this.adopt(console, signal),
    };
    this.users = {
      has: async (uuid, signal) => (await this.cloud.nova.server(uuid, { signal })) !== null,
      open: (uuid, type, token, signal) => this.open(uuid, type, token, signal),
    };
  }

  check(signal: AbortSignal): Promise<void> {
    return this.cloud.check(signal);
  }

  refresh(console: DiscoveredConsole, signal: AbortSignal): Promise<DiscoveredConsole | null> {
    return this.cloud.refresh(console, signal);
  }

  hypervisors(signal: AbortSignal): Promise<readonly string[]> {
    return this.cloud.nova.hypervisors({ signal });
  }

  // What has changed is recorded, and a console whose instance is gone is removed.
  async locate({ uuid }: RecordedConsole, deadline: AbortSignal): Promise<Location> {
    const source = this.source;
    for (let lookups = 1; ; lookups += 1) {
      const console = await this.consoles.reportedOne(source, uuid);
      if (console === null) return { kind: 'denied', why: 'gone' };
      const asked = performance.now();
      const found = await unlessAborted(this.cloud.lookup(console, deadline), deadline);
      if (found === null) return unlessMoved(console, 'no answer in time');
      if (found.kind === 'denied' && found.why === 'gone') await this.consoles.remove(source, uuid);
      if (found.kind === 'unknown') return unlessMoved(console, found.why);
      if (found.kind === 'denied') return { kind: 'denied', why: found.why };
      // An event that was applied meanwhile may be newer than the answer: then Nova is asked once more.
      const before = lookups < MAX_LOOKUPS ? console : undefined;
      const askedAgo = (performance.now() - asked) / 1000;
      if (!(await this.consoles.put(source, found.console, { askedAgo, before }))) continue;
      const target = await this.consoles.connectInfo(source, uuid);
      if (target === null) return { kind: 'denied', why: 'gone' };
      return { kind: 'confirmed', target, guestPolicy: found.console.settings?.guestPolicy ?? {} };
    }
  }

  // A token keeps the address from the time it was made. Where another one is recorded, Nova has to confirm one of them: an
  // old link must not replace the address of a running session.
  private async adopt(console: DiscoveredConsole, signal: AbortSignal): Promise<void> {
    const known = await this.consoles.reportedOne(this.source, console.uuid);
    if (known === null || sameAddress(known, console)) return this.put(console);
    const found = await unlessAborted(this.cloud.lookup(console, signal), signal);
    if (found?.kind === 'denied' && found.why !== 'stale') throw new InstanceNotReady(found.why);
    if (found?.kind !== 'confirmed') return;
    await this.consoles.put(this.source, found.console, { askedAgo: this.answerTime });
  }

  private async open(
    uuid: string,
    type: string | undefined,
    token: string,
    signal: AbortSignal,
  ): Promise<DiscoveredConsole> {
    try {
      const console = await this.cloud.open(uuid, consoleType(type), token, signal);
      await this.put(console);
      return console;
    } catch (error) {
      if (error instanceof NovaRefused)
        throw new PlatformRefused(REFUSALS[error.status], error.message, { cause: error });
      throw error;
    }
  }

  // A token of html5 does not have the TLS port: as long as the plain one is the same, so is the guest behind it.
  private async put(console: DiscoveredConsole): Promise<void> {
    const known = await this.consoles.reportedOne(this.source, console.uuid);
    const same = known !== null && sameAddress(known, console);
    const securePort = console.securePort ?? (same ? known.securePort : null);
    const { addressHost, addressStale } = same ? known : console;
    const written = { ...console, securePort, addressHost, addressStale };
    await this.consoles.put(this.source, written, { askedAgo: this.answerTime });
  }
}

// It runs elsewhere, at an unknown address: the old one may be another instance's by now.
function unlessMoved(console: DiscoveredConsole, why: string): Location {
  const { addressHost, instanceHost } = console;
  return addressHost && instanceHost && addressHost !== instanceHost
    ? { kind: 'denied', why: 'stale' }
    : { kind: 'unconfirmed', why };
}

function sameAddress(a: DiscoveredConsole, b: DiscoveredConsole): boolean {
  return (
    a.hypervisor === b.hypervisor &&
    a.insecurePort === b.insecurePort &&
    (a.protocol ?? 'spice') === (b.protocol ?? 'spice')
  );
}

function consoleType(type: string | undefined): ConsoleType | 'best' {
  if (type === undefined) return 'best';
  if (TYPES.includes(type)) return type as ConsoleType;
  throw new InvalidInput(`type: Nova has no ${JSON.stringify(type)}; give one of ${TYPES.join(', ')}`);
}
