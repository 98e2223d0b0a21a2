// SPDX-License-Identifier: Apache-2.0
// Where and how a console's SPICE server is reached. Made at connect time, held in memory only.

/** Everything that dialling a hypervisor's SPICE server takes. `ticket` is a secret. */
export interface ConnectInfo {
  hypervisor: string;
  /** Address that is dialled when it is not empty; else `hypervisor` is. IPv4 or IPv6. */
  hypervisorIp: string;
  insecurePort: number | null;
  securePort: number | null;
  /** SPICE password of the backend; may be empty. */
  ticket: string;
  /** PEM of the source's CA; null = the system's roots. */
  caCert: string | null;
  /** Pin of the certificate's subject, in spice-common's form; null = host name check. */
  hostSubject: string | null;
  /** Overrides `[proxy] backend_transport` for this console. */
  transport?: 'plain' | 'tls';
}
