// SPDX-License-Identifier: Apache-2.0
// One OpenStack cloud: turns Nova's console tokens into consoles, makes consoles as a user, and looks up the present
// state of a known console. It records nothing. Nova never checks again where a token leads (another project's guest may have
// the port by then), so an address counts only together with a lookup of the instance.
import { isIP } from 'node:net';
import type { LocationFault } from '../../close-reason.js';
import { NovaRefused } from '../../compute/faults.js';
import { consoleFault, type Instance } from '../../compute/instance.js';
import type { ConsoleType } from '../../compute/microversions.js';
import { NovaClient, type ResolvedConsole } from '../../compute/nova-client.js';
import { GlanceClient } from '../../compute/glance-client.js';
import { Unavailable } from '../../exception.js';
import { ServiceSession } from '../../identity/service-session.js';
import { loggerFor } from '../../log.js';
import type { ConsoleProtocol } from '../../objects/console-protocol.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import type { CloudGuestPolicy } from '../../objects/guest-policy-levels.js';
import { InstanceNotReady } from '../../objects/instance-fault.js';
import type { SourceDefinition } from '../../objects/source.js';
import { loginOf, patchOf } from './entry.js';
import { InstancePolicies } from './guest-policy.js';

/** The result of the lookup of an instance about its console. */
export type Lookup =
  /** This is the console now, changed or not. */
  | { readonly kind: 'confirmed'; readonly console: DiscoveredConsole }
  /** Nova could not be asked; only the last known address is known. */
  | { readonly kind: 'unknown'; readonly why: string }
  /** Do not connect. `stale`: it runs elsewhere, at an address that Nova does not give. */
  | { readonly kind: 'denied'; readonly why: LocationFault };

const log = loggerFor('kerbside.sources.openstack');
const LONGEST_NAME = 255;
/** No instance has it. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** One cloud. */
export class OpenStackCloud {
  readonly nova: NovaClient;
  private readonly policies: InstancePolicies;

  /**
   * @param requestTimeout seconds for one request to Keystone or Nova
   * @param images whether the properties of images are asked for
   * @throws InvalidInput when the definition lacks what a login takes
   * @throws StartupError when the CA file cannot be read
   */
  constructor(definition: SourceDefinition, requestTimeout: number, images: boolean) {
    const session = new ServiceSession(loginOf(definition, requestTimeout));
    this.nova = new NovaClient(session, { patch: patchOf(definition) });
    const glance = new GlanceClient(session);
    this.policies = new InstancePolicies({
      extraSpecs: (flavor, signal) => this.nova.extraSpecs(flavor, { signal }),
      image: images ? (id, signal) => glance.image(id, signal) : undefined,
      report: (fault) =>
        log.warning('a guest data policy cannot be read', { source: definition.name, fault }),
    });
  }

  /** Whether Keystone and Nova answer. @throws Unavailable */
  async check(signal: AbortSignal): Promise<void> {
    // The versions document needs no login and may be cached: the lookup of an instance that does not exist proves more.
    await this.nova.server(NOBODY, { signal });
  }

  /**
   * The console that a token of Nova stands for; null when this Nova does not know the token.
   * @throws InstanceNotReady when the instance has no screen now
   * @throws Unavailable
   */
  async exchange(
    token: string,
    protocol: ConsoleProtocol,
    signal: AbortSignal,
  ): Promise<DiscoveredConsole | null> {
    const located = await this.nova.resolveToken(token, { signal });
    return located === null ? null : this.adopt(located, protocol, signal);
  }

  /**
   * A console that Nova makes for the user whose token is given.
   * @throws InstanceNotReady, NovaRefused, Unavailable
   */
  async open(
    uuid: string,
    type: ConsoleType | 'best',
    token: string,
    signal: AbortSignal,
  ): Promise<DiscoveredConsole> {
    const located = await this.locate(uuid, type, signal, token);
    if (located === null) throw new Unavailable('Nova does not know the console token that it has just made');
    return this.adopt(located, type === 'novnc' ? 'vnc' : 'spice', signal);
  }

  /** The present state of the console, Nova's answer about host and ports included. Never rejects. */
  async lookup(console: DiscoveredConsole, signal: AbortSignal): Promise<Lookup> {
    try {
      return await this.lookupNow(console, signal);
    } catch (error) {
      if (error instanceof InstanceNotReady) return { kind: 'denied', why: error.why };
      return { kind: 'unknown', why: error instanceof Error ? error.message : String(error) };
    }
  }

  /** The console as it is now, its address included where that may have changed; null when its instance is gone. */
  async refresh(console: DiscoveredConsole, signal: AbortSignal): Promise<DiscoveredConsole | null> {
    const instance = await this.nova.server(console.uuid, { signal });
    const fault = instance === null ? 'gone' : consoleFault(instance);
    if (instance === null || fault === 'gone') return null;
    const policy = await this.policyOf(instance, console, signal);
    const returned = console.instanceState !== instance.status || console.addressStale === true;
    if (fault !== null || !(hasMoved(console, instance) || returned))
      return follow(console, instance, policy);
    const located = await this.locateIfAllowed(console, signal);
    // Its new address is not known yet: the old host's stays recorded, so that it is asked for again.
    return located === null ? follow(console, instance, policy) : merge(console, instance, located, policy);
  }

  private async lookupNow(console: DiscoveredConsole, signal: AbortSignal): Promise<Lookup> {
    const instance = await this.nova.server(console.uuid, { signal });
    const fault = instance === null ? 'gone' : consoleFault(instance);
    if (instance === null || fault !== null) return { kind: 'denied', why: fault ?? 'gone' };
    const [located, policy] = await Promise.all([
      this.locateIfAllowed(console, signal),
      this.policyOf(instance, console, signal),
    ]);
    if (located !== null) return { kind: 'confirmed', console: merge(console, instance, located, policy) };
    return hasMoved(console, instance)
      ? { kind: 'denied', why: 'stale' }
      : { kind: 'unknown', why: 'Nova does not let the service make consoles' };
  }

  private async adopt(
    located: ResolvedConsole,
    protocol: ConsoleProtocol,
    signal: AbortSignal,
  ): Promise<DiscoveredConsole> {
    const instance = await this.nova.server(located.instanceUuid, { signal });
    const fault = instance === null ? 'gone' : consoleFault(instance);
    if (instance === null || fault !== null) throw new InstanceNotReady(fault ?? 'gone');
    const console = merge(null, instance, located, await this.policyOf(instance, null, signal));
    return protocol === 'vnc' ? { ...console, protocol } : console;
  }

  private policyOf(
    instance: Instance,
    known: DiscoveredConsole | null,
    signal: AbortSignal,
  ): Promise<CloudGuestPolicy> {
    return this.policies.of(instance, known?.settings?.guestPolicy, signal);
  }

  /** Where the instance's server of that protocol is now; null when Nova does not let us ask, or has none. */
  private async locateIfAllowed(
    { uuid, protocol }: DiscoveredConsole,
    signal: AbortSignal,
  ): Promise<ResolvedConsole | null> {
    try {
      return await this.locate(uuid, protocol === 'vnc' ? 'novnc' : 'best', signal);
    } catch (error) {
      if (error instanceof NovaRefused) return null;
      throw error;
    }
  }

  private async locate(
    uuid: string,
    type: ConsoleType | 'best',
    signal: AbortSignal,
    token?: string,
  ): Promise<ResolvedConsole | null> {
    const made = await this.nova.createConsole(uuid, type, { token, signal });
    if (made.kind === 'address') return { ...made, instanceUuid: uuid };
    const located = await this.nova.resolveToken(made.token, { signal });
    return located?.instanceUuid === uuid ? located : null;
  }
}

function merge(
  known: DiscoveredConsole | null,
  instance: Instance,
  located: ResolvedConsole,
  guestPolicy: CloudGuestPolicy,
): DiscoveredConsole {
  return {
    ...described(instance),
    ...settingsOf(guestPolicy),
    uuid: instance.uuid,
    hypervisor: located.host,
    hypervisorIp: isIP(located.host) === 0 ? '' : located.host,
    insecurePort: located.port,
    securePort: located.tlsPort,
    hostSubject: known?.hostSubject ?? null,
    ticket: known?.ticket ?? '',
    instanceHost: instance.host,
    addressHost: instance.host,
    ...(known?.protocol === undefined ? {} : { protocol: known.protocol }),
  };
}

function follow(
  console: DiscoveredConsole,
  instance: Instance,
  guestPolicy: CloudGuestPolicy,
): DiscoveredConsole {
  const now: DiscoveredConsole = {
    ...console,
    ...described(instance),
    instanceHost: instance.host ?? console.instanceHost,
  };
  delete now.settings;
  return { ...now, ...settingsOf(guestPolicy) };
}

function settingsOf(guestPolicy: CloudGuestPolicy): Pick<DiscoveredConsole, 'settings'> {
  return Object.keys(guestPolicy).length === 0 ? {} : { settings: { guestPolicy } };
}

function hasMoved(console: DiscoveredConsole, instance: Instance): boolean {
  return instance.host !== null && instance.host !== console.addressHost;
}

function described(
  instance: Instance,
): Pick<DiscoveredConsole, 'name' | 'projectId' | 'userId' | 'instanceState'> {
  const { projectId, userId, status } = instance;
  return {
    name: instance.name.slice(0, LONGEST_NAME),
    projectId: projectId === '' ? null : projectId,
    userId: userId === '' ? null : userId,
    instanceState: status,
  };
}
