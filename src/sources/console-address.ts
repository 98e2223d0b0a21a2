// SPDX-License-Identifier: Apache-2.0
// Where a console is, as drivers find it out when a session begins, beside where the records have it.
import { connectProxyOf, type ConnectInfo } from '../objects/connect-info.js';
import type { DiscoveredConsole } from '../objects/console.js';

type Address = Pick<
  ConnectInfo,
  'hypervisor' | 'hypervisorIp' | 'insecurePort' | 'securePort' | 'hostSubject'
>;

/** The target at the address of a console, by its proxy where it has one; ticket and CA stay. */
export function movedTo(target: ConnectInfo, console: DiscoveredConsole): ConnectInfo {
  const moved: ConnectInfo = { ...target, ...addressOf(console) };
  delete moved.route;
  const route = console.connectProxy == null ? null : connectProxyOf(console.connectProxy);
  return route === null ? moved : { ...moved, route };
}

/** Whether two targets are at one address. */
export function sameAddress(a: ConnectInfo, b: ConnectInfo): boolean {
  return JSON.stringify([addressOf(a), a.route]) === JSON.stringify([addressOf(b), b.route]);
}

function addressOf({ hypervisor, hypervisorIp, insecurePort, securePort, hostSubject }: Address): Address {
  return { hypervisor, hypervisorIp, insecurePort, securePort, hostSubject };
}
