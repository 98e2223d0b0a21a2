// SPDX-License-Identifier: Apache-2.0
// The driver of one Proxmox VE cluster: lists its guests with a SPICE display, and has tickets made for them as their channels
// open. A console is known by the number of its guest (VMID), which is one guest's in the whole cluster wherever it runs. A ticket
// (spiceproxy) holds a password for SPICE, good for 30 s, and what the SPICE proxy of a node (port 3128) is asked for by CONNECT.
import { Unavailable } from '../../exception.js';
import { connectProxyOf } from '../../objects/connect-info.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import { InstanceNotReady } from '../../objects/instance-fault.js';
import type { SourceDefinition } from '../../objects/source.js';
import type { Discovery, Location, Minted, RecordedConsole, SourceDriver } from '../driver.js';
import { sameObjects } from '../read-answers.js';
import { ApiRefused, ProxmoxApi } from './api.js';
import {
  guestList,
  guestStatus,
  maySeeGuests,
  spiceProxy,
  type GuestList,
  type ListedGuest,
} from './answers.js';
import { DisplayRecords } from './displays.js';
import { proxmoxLogin } from './entry.js';

/** Seconds that QEMU takes a password of spiceproxy for. */
const PASSWORD_LIFE = 30;
const VMID = /^[1-9]\d{2,8}$/;

/** Serves one cluster. */
export class ProxmoxDriver implements SourceDriver {
  readonly type = 'proxmox';
  private readonly api: ProxmoxApi;
  private readonly displays: DisplayRecords;
  private readonly caCert: string | null;
  private last: Discovery | undefined;

  /**
   * @throws InvalidInput when the definition lacks something
   * @throws StartupError when the CA file cannot be read
   */
  constructor(definition: SourceDefinition) {
    this.api = new ProxmoxApi(proxmoxLogin(definition));
    this.displays = new DisplayRecords(this.api);
    this.caCert = definition.caCert ?? null;
  }

  async discover(signal: AbortSignal): Promise<Discovery> {
    const { guests, entries, unreadable } = await this.list(signal);
    if (entries === 0) await this.believeEmpty(signal);
    const displays = await this.displays.of(guests, signal);
    const before = new Map(this.last?.consoles.map((console) => [console.uuid, console]));
    const consoles: DiscoveredConsole[] = [];
    const uuids: string[] = [];
    for (const guest of guests) {
      const hasSpice = displays.hasSpice(guest);
      if (hasSpice === undefined || guest.status === 'unknown') uuids.push(String(guest.vmid));
      else if (hasSpice) consoles.push(consoleOf(guest, before.get(String(guest.vmid))));
    }
    // The order of a list says nothing.
    consoles.sort((a, b) => Number(a.uuid) - Number(b.uuid));
    uuids.sort((a, b) => Number(a) - Number(b));
    const found = { consoles, unread: { uuids, nameless: unreadable }, fault: displays.fault };
    if (this.last === undefined || !isSame(found, this.last)) this.last = found;
    return this.last;
  }

  // What it cannot find out, mint says: without a ticket there is no connection.
  async locate({ uuid, target }: RecordedConsole, signal: AbortSignal): Promise<Location> {
    const vmid = vmidOf(uuid);
    if (vmid === null) return { kind: 'denied', why: 'gone' };
    try {
      return await this.onItsNode(vmid, target.hypervisor, signal, async (node) => {
        const { json } = await this.api.get(`/nodes/${node}/qemu/${vmid}/status/current`, signal);
        if (guestStatus(json)?.running === false) return { kind: 'denied', why: 'stopped' };
        return { kind: 'confirmed', target: { ...target, hypervisor: node } };
      });
    } catch (error) {
      if (error instanceof InstanceNotReady) return { kind: 'denied', why: error.why };
      if (error instanceof Unavailable) return { kind: 'recorded' };
      throw error;
    }
  }

  async mint({ uuid, target }: RecordedConsole, signal: AbortSignal): Promise<Minted> {
    const vmid = vmidOf(uuid);
    if (vmid === null) throw new InstanceNotReady('gone');
    return this.onItsNode(vmid, target.hypervisor, signal, async (node) => {
      const path = `/nodes/${node}/qemu/${vmid}/spiceproxy`;
      // The proxy that is used from here: the name of a node may mean nothing outside its cluster.
      const { json, host } = await this.api.post(path, (proxy) => ({ proxy }), signal);
      const made = spiceProxy(json);
      const port = made === null ? undefined : connectProxyOf(made.proxy)?.port;
      if (made === null || port === undefined)
        throw new Unavailable(`node ${node} made a ticket that cannot be read; is it a Proxmox VE?`);
      return {
        target: {
          ...{ hypervisor: node, hypervisorIp: '', insecurePort: null, securePort: made.tlsPort },
          ...{ ticket: made.password, caCert: this.caCert ?? made.ca, hostSubject: made.hostSubject },
          transport: 'tls',
          route: { kind: 'connect_proxy', host, port, asksFor: made.ticket },
        },
        validFor: PASSWORD_LIFE,
      };
    });
  }

  /** Asks about a guest on the node where it was last; where it is not there any more, on the node where it is now. */
  private async onItsNode<T>(
    vmid: string,
    known: string,
    signal: AbortSignal,
    ask: (node: string) => Promise<T>,
  ): Promise<T> {
    let fault: Unavailable;
    try {
      return await ask(known);
    } catch (error) {
      if (!(error instanceof ApiRefused)) throw error;
      if (isStopped(error)) throw new InstanceNotReady('stopped');
      if (error.status === 401) throw error;
      fault = error;
    }
    const { guests, entries } = await this.list(signal);
    const guest = guests.find((listed) => String(listed.vmid) === vmid);
    // A list without a single entry says that the token may see none.
    if (guest === undefined && entries > 0 && isGone(fault)) throw new InstanceNotReady('gone');
    if (guest === undefined || guest.node === known) throw fault;
    try {
      return await ask(guest.node);
    } catch (error) {
      if (error instanceof ApiRefused && isStopped(error)) throw new InstanceNotReady('stopped');
      throw error;
    }
  }

  private async list(signal: AbortSignal): Promise<GuestList> {
    const { json } = await this.api.get('/cluster/resources?type=vm', signal);
    const list = guestList(json);
    if (list === null) throw new Unavailable('the list of guests cannot be read; is it a Proxmox VE?');
    return list;
  }

  /** A list is empty for a token without rights, too. @throws Unavailable unless the token may see guests */
  private async believeEmpty(signal: AbortSignal): Promise<void> {
    const { json } = await this.api.get('/access/permissions', signal);
    if (maySeeGuests(json)) return;
    throw new Unavailable(
      'the token may see no guest; give its user, and the token, VM.Audit and VM.Console (roles PVEAuditor and PVEVMUser)',
    );
  }
}

/** The console of a guest; `before`, the one of the turn before, when nothing has changed. */
function consoleOf(
  { vmid, node, name, status, tags }: ListedGuest,
  before: DiscoveredConsole | undefined,
): DiscoveredConsole {
  if (
    before?.name === name &&
    before.instanceHost === node &&
    before.instanceState === status &&
    sameObjects(before.tags ?? [], tags)
  )
    return before;
  return {
    ...{ uuid: String(vmid), name, hypervisor: node, hypervisorIp: '' },
    ...{ insecurePort: null, securePort: null, hostSubject: null, ticket: '' },
    ...{ instanceState: status, instanceHost: node, tags },
  };
}

function isSame(a: Discovery, b: Discovery): boolean {
  return (
    a.fault === b.fault &&
    a.unread.nameless === b.unread.nameless &&
    sameObjects(a.unread.uuids, b.unread.uuids) &&
    sameObjects(a.consoles, b.consoles)
  );
}

function vmidOf(uuid: string): string | null {
  return VMID.test(uuid) ? uuid : null;
}

function isStopped({ status, said }: ApiRefused): boolean {
  return status === 500 && /\bnot running\b/.test(said);
}

/** A permission is tested before anything else: without a guest of this number there is none on it. */
function isGone(fault: Unavailable): boolean {
  if (!(fault instanceof ApiRefused)) return false;
  return fault.status === 403 || (fault.status === 500 && /\bdoes not exist\b/.test(fault.said));
}
