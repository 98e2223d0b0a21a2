// SPDX-License-Identifier: Apache-2.0
// Through ssh to the hypervisor, and from there to a port or a unix socket where QEMU listens on it: no SPICE port is open to the network.
// The channels of a hypervisor share one ssh connection of this worker, which reads the private key from its file.
import { BackendFailed, type BackendFailureReason } from '../../connection/ends.js';
import { SshFault, type SshFaultKind } from '../../../ssh/ssh-fault.js';
import { SshHosts, type SshTarget } from '../../../ssh/ssh-host.js';
import type { BackendRoute, BackendTarget } from '../../ipc.js';
import { addressOf, type Attempt } from '../attempt.js';
import type { StreamRoute } from '../route.js';

type Ssh = Extract<BackendRoute, { kind: 'ssh' }>;

const hosts = new SshHosts();

const REASONS: Readonly<Record<SshFaultKind, BackendFailureReason>> = {
  host: 'unreachable',
  key: 'ssh_host_key',
  login: 'ssh_login',
  target: 'refused',
  timeout: 'timed_out',
};

/** @throws BackendFailed `no_address` */
export function sshRoute(ssh: Ssh, target: BackendTarget, attempt: Attempt): StreamRoute {
  const { login, path, address } = ssh;
  const to: SshTarget =
    path === undefined
      ? { ...addressOf(target, attempt), ...(address === undefined ? {} : { host: address }) }
      : { path };
  const shown = 'path' in to ? { address: to.path } : { address: to.host, port: to.port };
  return {
    certifiedHost: target.hypervisor === '' ? login.host : target.hypervisor,
    shown: { ...shown, ssh: `${login.username}@${login.host}` },
    // It ends on the hypervisor, or on a host before it: whether TLS is spoken within is another matter.
    secure: false,
    async open(signal) {
      try {
        return await hosts.open(login, to, signal);
      } catch (error) {
        if (error instanceof SshFault) throw new BackendFailed(REASONS[error.kind], error.message);
        throw error;
      }
    },
  };
}
