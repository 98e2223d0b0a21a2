// SPDX-License-Identifier: Apache-2.0
// The static source: consoles written down in sources.yaml, for labs and for hypervisors without a cloud.
import type { ConnectInfo } from '../../objects/connect-info.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import type { SourceDriver } from '../driver.js';

/** Serves the consoles of one static entry of sources.yaml. It asks nobody, so it never fails. */
export class StaticDriver implements SourceDriver {
  readonly type = 'static';

  /** @param caCert PEM of the CA that signed the hypervisors' certificates; null = the system's roots */
  constructor(
    private readonly consoles: readonly DiscoveredConsole[],
    private readonly caCert: string | null,
  ) {}

  discover(): Promise<readonly DiscoveredConsole[]> {
    return Promise.resolve(this.consoles);
  }

  connectInfo(console: DiscoveredConsole): Promise<ConnectInfo> {
    return Promise.resolve({
      hypervisor: console.hypervisor,
      hypervisorIp: console.hypervisorIp,
      insecurePort: console.insecurePort,
      securePort: console.securePort,
      ticket: console.ticket,
      caCert: this.caCert,
      hostSubject: console.hostSubject,
    });
  }
}
