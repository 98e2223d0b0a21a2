// SPDX-License-Identifier: Apache-2.0
// Where a console is, as drivers find it out when a session begins, beside where the records have it.
import type { ConnectInfo } from '../objects/connect-info.js';

type Address = Pick<
  ConnectInfo,
  'hypervisor' | 'hypervisorIp' | 'insecurePort' | 'securePort' | 'hostSubject'
>;

/** The target at another address; ticket and CA stay. */
export function movedTo(target: ConnectInfo, address: Address): ConnectInfo {
  return { ...target, ...addressOf(address) };
}

/** Whether two addresses are one. */
export function sameAddress(a: Address, b: Address): boolean {
  return JSON.stringify(addressOf(a)) === JSON.stringify(addressOf(b));
}

function addressOf({ hypervisor, hypervisorIp, insecurePort, securePort, hostSubject }: Address): Address {
  return { hypervisor, hypervisorIp, insecurePort, securePort, hostSubject };
}
