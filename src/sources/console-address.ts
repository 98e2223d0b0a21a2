// SPDX-License-Identifier: Apache-2.0
// Where a console is, as drivers find it out when a session begins, beside where the records have it.
import type { LocationFault } from '../close-reason.js';
import { Unavailable } from '../exception.js';
import { connectProxyOf, type ConnectInfo } from '../objects/connect-info.js';
import type { DiscoveredConsole } from '../objects/console.js';
import type { Location } from './driver.js';

type Address = Pick<
  ConnectInfo,
  'hypervisor' | 'hypervisorIp' | 'insecurePort' | 'securePort' | 'hostSubject' | 'ticket'
>;

/** What a platform says of one guest now. */
export type FoundConsole =
  | { readonly kind: 'console'; readonly console: DiscoveredConsole }
  | { readonly kind: 'none'; readonly why: LocationFault }
  /** It is there, but where it is could not be found out. */
  | { readonly kind: 'unknown'; readonly why: string };

/**
 * Where a console is by what its platform says now.
 * @param target where the records have it
 * @param ask may throw `Unavailable`: then the records are all there is
 * @param record keeps a console whose address or ticket has changed
 */
export async function askedLocation(
  target: ConnectInfo,
  ask: () => Promise<FoundConsole>,
  record: (console: DiscoveredConsole) => Promise<unknown>,
): Promise<Location> {
  let found: FoundConsole;
  try {
    found = await ask();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { kind: 'unconfirmed', why: error.message };
  }
  if (found.kind === 'none') return { kind: 'denied', why: found.why };
  if (found.kind === 'unknown') return { kind: 'unconfirmed', why: found.why };
  const now = movedTo(target, found.console);
  if (!sameAddress(now, target)) await record(found.console);
  return { kind: 'confirmed', target: now };
}

/** The target at the address of a console, by its proxy where it has one, with its ticket; the CA stays. */
function movedTo(target: ConnectInfo, console: DiscoveredConsole): ConnectInfo {
  const moved: ConnectInfo = { ...target, ...addressOf(console) };
  delete moved.route;
  const route = console.connectProxy == null ? null : connectProxyOf(console.connectProxy);
  return route === null ? moved : { ...moved, route };
}

/** Whether two targets are at one address, and take one ticket. */
function sameAddress(a: ConnectInfo, b: ConnectInfo): boolean {
  return JSON.stringify([addressOf(a), a.route]) === JSON.stringify([addressOf(b), b.route]);
}

function addressOf(of: Address): Address {
  const { hypervisor, hypervisorIp, insecurePort, securePort, hostSubject, ticket } = of;
  return { hypervisor, hypervisorIp, insecurePort, securePort, hostSubject, ticket };
}
