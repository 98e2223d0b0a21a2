// SPDX-License-Identifier: Apache-2.0
// The driver of one Shaken Fist source: lists the SPICE consoles of a namespace, or of all of them, says where one is when a
// session begins, and has the keys of the cluster's console tokens. Guests have no SPICE password there.
import type { DiscoveredConsole } from '../../objects/console.js';
import type { SourceDefinition } from '../../objects/source.js';
import { apiLoginOf } from '../api-entry.js';
import { askedLocation, type FoundConsole } from '../console-address.js';
import type { Discovery, Location, RecordedConsole, SignedTokens, SourceDriver } from '../driver.js';
import { eachOf } from '../each-of.js';
import { LastDiscovery } from '../last-discovery.js';
import type { DriverServices } from '../platform.js';
import { isKnownCa } from '../published-ca.js';
import { ShakenFistClient } from './client.js';
import { synthesizesSubject } from './entry.js';
import {
  consoleOf,
  namedNode,
  readConsoleFile,
  readInstance,
  readNodes,
  stateFault,
  type Instance,
  type Instances,
  type Node,
  type Nodes,
} from './inventory.js';
import { SigningKeys } from './signing-keys.js';

/** How long an answer about nodes serves consoles that are opened, milliseconds. */
const NODES_MS = 60_000;

/** A discovery, and what it was made of. */
interface Settled {
  readonly listing: Instances;
  /** Nodes, as text. */
  readonly nodes: string;
  readonly discovery: Discovery;
}

/** Serves one namespace of a cluster, or all of the cluster. */
export class ShakenFistDriver implements SourceDriver {
  readonly type = 'shakenfist';
  readonly signedTokens: SignedTokens;
  private readonly source: string;
  private readonly caCert: string | null;
  private readonly synthesize: boolean;
  private readonly client: ShakenFistClient;
  private readonly keys: SigningKeys;
  private readonly consoles: DriverServices['consoles'];
  private readonly listTime: number;
  private readonly last = new LastDiscovery();
  private nodes: { readonly nodes: Nodes; readonly at: number } | undefined;
  private settled: Settled | undefined;

  /**
   * @throws InvalidInput when the definition lacks what a login takes
   * @throws StartupError when the file of `verify` cannot be read
   */
  constructor(definition: SourceDefinition, { consoles, conf }: DriverServices) {
    this.source = definition.name;
    this.caCert = definition.caCert ?? null;
    this.synthesize = synthesizesSubject(definition.options);
    this.consoles = consoles;
    this.listTime = conf.sources.discoveryTimeout;
    this.client = new ShakenFistClient(apiLoginOf(definition), { timeout: conf.sources.requestTimeout });
    const never = new AbortController().signal;
    this.keys = new SigningKeys({ fetch: () => this.client.signingKeys(never) });
    this.signedTokens = {
      platform: 'Shaken Fist',
      key: (id, signal) => this.keys.find(id, signal),
      adopt: (uuid, signal) => this.adopt(uuid, signal),
      holder: (claims) => (typeof claims['sf:namespace'] === 'string' ? claims['sf:namespace'] : null),
    };
  }

  async discover(signal: AbortSignal): Promise<Discovery> {
    const listing = await this.client.instances(this.listTime, signal);
    await this.checkCa(signal);
    if (listing.listed === 0) await this.doubt(signal);
    const running = listing.instances.filter(({ state }) => stateFault(state) === null);
    const nodes = await this.nodesOf(running, signal);
    const known = JSON.stringify([...nodes]);
    const { settled } = this;
    if (settled?.listing === listing && settled.nodes === known) return settled.discovery;
    const discovery = this.last.keep(this.discovery({ ...listing, instances: running }, nodes));
    this.settled = { listing, nodes: known, discovery };
    return discovery;
  }

  // Ports and nodes change: they are asked for again, and what has changed is recorded.
  locate({ uuid, target }: RecordedConsole, signal: AbortSignal): Promise<Location> {
    return askedLocation(
      target,
      () => this.find(uuid, signal),
      (console) => this.consoles.put(this.source, console),
    );
  }

  private discovery(listing: Instances, nodes: Nodes): Discovery {
    const consoles: DiscoveredConsole[] = [];
    const unread = [...listing.unread];
    for (const instance of listing.instances) {
      const node = instance.node === null ? undefined : nodes.get(instance.node);
      const console = node === undefined ? null : consoleOf(instance, node, this.synthesize);
      // On a node that is not known, or without a port: it is there, and stays as it was.
      if (console === null) unread.push(instance.uuid);
      else consoles.push(console);
    }
    consoles.sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
    return { consoles, unread: { uuids: unread.sort(), nameless: listing.nameless } };
  }

  /** @throws Unavailable when the platform's CA is another one than the source's */
  private async checkCa(signal: AbortSignal): Promise<void> {
    if (this.caCert === null || !this.client.isSystem) return;
    if (!isKnownCa(await this.client.caCertificate(signal), this.caCert))
      throw this.client.fault(
        "has another CA for its hypervisors' certificates than ca_cert; put the one of GET /admin/cacert there",
      );
  }

  /** An empty list may be a lost right: a console that is recorded is looked for before all of them go. @throws Unavailable */
  private async doubt(signal: AbortSignal): Promise<void> {
    const [console] = await this.consoles.reported(this.source, '', 1);
    if (console === undefined || (await this.client.instance(console.uuid, signal)) === null) return;
    throw this.client.fault(
      `lists no instance, but still has ${console.uuid}; see what the key of the namespace may do`,
    );
  }

  /** The nodes of instances: one request for the cluster, or one for each node where the namespace may not ask for that. */
  private async nodesOf(instances: readonly Instance[], signal: AbortSignal): Promise<Nodes> {
    if (this.client.isSystem) return this.clusterNodes(signal);
    const first = new Map<string, Instance>();
    for (const instance of instances) {
      if (instance.node !== null && !first.has(instance.node)) first.set(instance.node, instance);
    }
    const nodes = new Map<string, Node>();
    await eachOf(first, async ([name, instance]) => {
      const node = await this.nodeOf(instance, signal);
      if (node !== null) nodes.set(name, node);
    });
    return nodes;
  }

  private async clusterNodes(signal: AbortSignal): Promise<Nodes> {
    const nodes = readNodes(await this.client.nodes(signal));
    if (nodes === null)
      throw this.client.fault('answered without a list of nodes; see whether url is that of its API');
    this.nodes = { nodes, at: performance.now() };
    return nodes;
  }

  /** The node of one instance, as a namespace may learn of it; null when it may not. */
  private async nodeOf({ uuid, node }: Instance, signal: AbortSignal): Promise<Node | null> {
    const file = await this.client.consoleFile(uuid, signal);
    return (file === null ? null : readConsoleFile(file)) ?? (node === null ? null : namedNode(node));
  }

  /** An instance as it is now. @throws Unavailable */
  private async find(uuid: string, signal: AbortSignal): Promise<FoundConsole> {
    const answer = await this.client.instance(uuid, signal);
    if (answer === null) return { kind: 'none', why: 'gone' };
    const instance = readInstance(answer);
    if (instance === null || (instance !== 'other' && instance.uuid !== uuid))
      throw this.client.fault(
        'answered with something that is not the instance; see whether url is that of its API',
      );
    if (instance === 'other') return { kind: 'none', why: 'gone' };
    const why = stateFault(instance.state);
    if (why !== null) return { kind: 'none', why };
    const node = await this.currentNode(instance, signal);
    const console = node === null ? null : consoleOf(instance, node, this.synthesize);
    if (console === null) return { kind: 'unknown', why: 'Shaken Fist does not tell its node or its ports' };
    return { kind: 'console', console };
  }

  private async currentNode(instance: Instance, signal: AbortSignal): Promise<Node | null> {
    if (!this.client.isSystem) return this.nodeOf(instance, signal);
    if (instance.node === null) return null;
    const known = this.nodes;
    const fresh = known !== undefined && performance.now() - known.at < NODES_MS;
    const node = fresh ? known.nodes.get(instance.node) : undefined;
    return node ?? (await this.clusterNodes(signal)).get(instance.node) ?? null;
  }

  /** Records the console of an instance that was made since the last discovery. */
  private async adopt(uuid: string, signal: AbortSignal): Promise<boolean> {
    const found = await this.find(uuid, signal);
    if (found.kind !== 'console') return false;
    await this.consoles.put(this.source, found.console);
    return true;
  }
}
