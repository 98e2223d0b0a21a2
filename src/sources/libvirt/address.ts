// SPDX-License-Identifier: Apache-2.0
// How Kerbside gets from where a guest's SPICE server listens to a console's address and route. Pure.
import { isIP } from 'node:net';
import type { ConnectInfo } from '../../objects/connect-info.js';
import type { SshLogin } from '../../ssh/ssh-login.js';
import type { SpiceDisplay } from './domain-xml.js';
import { hostOf, type Way } from './endpoint.js';

/** Where a display is reached; `route` absent: by its ports. */
export type Reach = Pick<
  ConnectInfo,
  'hypervisor' | 'hypervisorIp' | 'insecurePort' | 'securePort' | 'route'
>;

const EVERY_ADDRESS = ['0.0.0.0', '::'];

/** How a display is reached, or why it cannot be, with the remedy. */
export function reachOf(display: SpiceDisplay, way: Way, ssh: SshLogin | null): Reach | string {
  const { listen, port, tlsPort } = display;
  const hypervisor = hostOf(way);
  const noPorts = { hypervisor, hypervisorIp: '', insecurePort: null, securePort: null };
  if (listen.kind === 'none')
    return "its SPICE server listens nowhere, and what libvirt hands out in its place cannot be taken; give its graphics <listen type='socket'/>";
  if (listen.kind === 'socket') {
    const { path } = listen;
    if (way.kind === 'unix') return { ...noPorts, route: { kind: 'unix_socket', path } };
    if (ssh !== null) return { ...noPorts, route: { kind: 'ssh', login: ssh, path } };
    return 'its SPICE server listens on a unix socket of the hypervisor; use qemu+ssh in uri, or run Kerbside there';
  }
  if (port === null && tlsPort === null) return 'its SPICE server has no port yet';
  const ports = { insecurePort: port, securePort: tlsPort };
  const { address } = listen;
  if (!isLoopback(address)) {
    const here = way.kind === 'unix' ? '127.0.0.1' : '';
    const hypervisorIp = EVERY_ADDRESS.includes(address) ? here : isIP(address) === 0 ? '' : address;
    return { hypervisor: isIP(address) === 0 ? address : hypervisor, hypervisorIp, ...ports };
  }
  if (way.kind === 'unix') return { hypervisor, hypervisorIp: address, ...ports };
  if (ssh !== null)
    return { hypervisor, hypervisorIp: '', ...ports, route: { kind: 'ssh', login: ssh, address } };
  return 'its SPICE server listens on the loopback address of the hypervisor; use qemu+ssh in uri, or have it listen on another one';
}

function isLoopback(address: string): boolean {
  return address === '::1' || address === 'localhost' || /^127\./.test(address);
}
