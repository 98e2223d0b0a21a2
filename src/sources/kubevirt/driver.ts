// SPDX-License-Identifier: Apache-2.0
// The driver of one Kubernetes cluster with KubeVirt: lists its machines that have a display, and leads to their VNC, which the API
// carries in a WebSocket (subresource vnc of a VirtualMachineInstance). The token that opens it is read as a desktop opens.
// A console is known by the UID of its VirtualMachine, and by namespace and name in its own name.
import { readFile } from 'node:fs/promises';
import { Unavailable } from '../../exception.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import { InstanceNotReady } from '../../objects/instance-fault.js';
import type { SourceDefinition } from '../../objects/source.js';
import { unreadable } from '../../option-file.js';
import type { Discovery, Location, Minted, RecordedConsole, SourceDriver } from '../driver.js';
import { LastDiscovery } from '../last-discovery.js';
import type { DriverServices } from '../platform.js';
import { Forbidden, KubeVirtApi, type Place } from './api.js';
import { kubeVirtLogin, type KubeVirtLogin } from './entry.js';
import { consoleOf, phaseFault, placeOf, type MachinePage } from './inventory.js';

/** Seconds for which a token that was read opens desktops: it is read again for those that come later. */
const TOKEN_LIFE = 8;
/** What KubeVirt calls a stream that is not divided further (subresources.PlainStreamProtocolName of its client-go). */
const SUBPROTOCOL = 'plain.kubevirt.io';

/** Serves one cluster. */
export class KubeVirtDriver implements SourceDriver {
  readonly type = 'kubevirt';
  private readonly source: string;
  private readonly login: KubeVirtLogin;
  private readonly api: KubeVirtApi;
  private readonly consoles: DriverServices['consoles'];
  private readonly listTime: number;
  private readonly last = new LastDiscovery();

  /**
   * @throws InvalidInput when the definition lacks something
   * @throws StartupError when the file of `verify` cannot be read
   */
  constructor(definition: SourceDefinition, { consoles, conf }: DriverServices) {
    this.source = definition.name;
    this.consoles = consoles;
    this.listTime = conf.sources.discoveryTimeout;
    this.login = kubeVirtLogin(definition);
    this.api = new KubeVirtApi(this.login, conf.sources.requestTimeout);
  }

  async discover(signal: AbortSignal): Promise<Discovery> {
    const { namespaces } = this.login;
    const pages: MachinePage[] = [];
    const faults: string[] = [];
    for (const namespace of namespaces.length === 0 ? [null] : namespaces) {
      try {
        pages.push(...(await this.api.list(namespace, this.listTime, signal)));
      } catch (error) {
        // One namespace that was closed to the account must not hide the others.
        if (!(error instanceof Forbidden) || namespace === null) throw error;
        faults.push(`namespace ${namespace}: ${error.message}`);
      }
    }
    const [first] = faults;
    if (first !== undefined && faults.length === namespaces.length) throw new Unavailable(first);
    return this.last.keep(discoveryOf(pages, first ?? null));
  }

  async locate({ uuid, target }: RecordedConsole, signal: AbortSignal): Promise<Location> {
    try {
      const place = await this.place(uuid);
      const machine = await this.api.machine(place, signal);
      if (machine?.uid !== uuid) return { kind: 'denied', why: 'gone' };
      const why = phaseFault(machine.phase);
      if (why !== null) return { kind: 'denied', why };
      return { kind: 'confirmed', target: { ...target, hypervisor: machine.node } };
    } catch (error) {
      if (error instanceof InstanceNotReady) return { kind: 'denied', why: error.why };
      if (error instanceof Unavailable) return { kind: 'unconfirmed', why: error.message };
      throw error;
    }
  }

  // Nothing is asked: what keeps the console from opening, the WebSocket's answer says.
  async mint({ uuid, target }: RecordedConsole): Promise<Minted> {
    const { namespace, name } = await this.place(uuid);
    const { http, url } = this.login;
    const bearer = await this.api.token();
    const path = `/apis/subresources.kubevirt.io/v1/namespaces/${namespace}/virtualmachineinstances/${name}/vnc`;
    return {
      target: {
        ...target,
        ticket: '',
        protocol: 'vnc',
        route: {
          ...{ kind: 'websocket', subprotocol: SUBPROTOCOL, bearer },
          url: `${url.replace(/^http/i, 'ws')}${path}`,
          ca: await this.ca(),
          insecure: http.insecure === true,
        },
      },
      validFor: TOKEN_LIFE,
    };
  }

  /** Where the machine of a console is. @throws InstanceNotReady */
  private async place(uuid: string): Promise<Place> {
    const console = await this.consoles.reportedOne(this.source, uuid);
    const place = console === null ? null : placeOf(console.name);
    if (place === null) throw new InstanceNotReady('gone');
    return place;
  }

  /** PEM of the CAs of the API; null: those of Node. @throws Unavailable */
  private async ca(): Promise<string | null> {
    const { ca, cafile, cafileFrom = 'verify' } = this.login.http;
    if (ca !== undefined || cafile === undefined) return ca ?? null;
    try {
      return await readFile(cafile, 'utf8');
    } catch (error) {
      const { fault, remedy } = unreadable(cafile, error);
      throw new Unavailable(`${cafileFrom}: ${fault}; ${remedy}`);
    }
  }
}

/** What pages of machines are as consoles. @param fault why there are namespaces that could not be read */
function discoveryOf(pages: readonly MachinePage[], fault: string | null): Discovery {
  const consoles = new Map<string, DiscoveredConsole>();
  for (const machine of pages.flatMap(({ machines }) => machines))
    if (machine.hasDisplay) consoles.set(machine.uid, consoleOf(machine));
  return {
    consoles: [...consoles.values()].sort((a, b) => (a.uuid < b.uuid ? -1 : 1)),
    unread: {
      uuids: pages.flatMap(({ unread }) => unread).sort(),
      nameless: fault !== null || pages.some(({ nameless }) => nameless),
    },
    fault,
  };
}
