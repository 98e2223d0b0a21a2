// SPDX-License-Identifier: Apache-2.0
// Where the main channel of an instance leads: Nova is asked, because whoever has the instance's last known port by now
// must not be shown. The other channels follow their main one, which is up only once the guest has proved who it is.
import { loggerFor } from '../../log.js';
import type { ConnectInfo } from '../../objects/connect-info.js';
import type { ChannelGrant } from '../../objects/console-session.js';
import type { Sight } from '../../sources/openstack/clouds.js';
import type { ProxyMetrics } from './metrics.js';

const log = loggerFor('kerbside.console.control-plane');

/** Says what is true of the instance behind a console at this moment; never waits longer than its deadline. */
export interface InstanceLook {
  look(source: string, uuid: string, deadline: AbortSignal): Promise<Sight>;
}

/** Why an instance may not be connected to. */
type Fault = Extract<Sight, { kind: 'refused' }>['why'] | 'gone';

/** Where the channel leads. `unverified`: nobody could be asked, and the last known address is used. */
export type InstanceVerdict =
  | { readonly kind: 'target'; readonly target: ConnectInfo; readonly unverified: boolean }
  | { readonly kind: 'refused'; readonly why: Fault };

/** Whether the console is an instance of Nova, whose guest tells the instance's UUID. */
export function isInstance({ platform }: ChannelGrant): boolean {
  return platform === 'openstack';
}

/**
 * Asks where the instance of a granted channel is now.
 *
 * @param timeout seconds that the look may take
 */
export async function checkInstance(
  instances: InstanceLook,
  { source, uuid, connectInfo }: ChannelGrant,
  metrics: ProxyMetrics,
  timeout: number,
): Promise<InstanceVerdict> {
  const sight = await instances.look(source, uuid, AbortSignal.timeout(Math.ceil(timeout * 1000)));
  if (sight.kind === 'unknown') {
    log.warning('Nova could not be asked about an instance', { source, uuid, fault: sight.why });
    metrics.instanceLooks.inc({ outcome: 'unknown' });
    return { kind: 'target', target: connectInfo, unverified: true };
  }
  if (sight.kind === 'true' && sight.connectInfo !== null) {
    metrics.instanceLooks.inc({ outcome: 'true' });
    return { kind: 'target', target: sight.connectInfo, unverified: false };
  }
  const why = sight.kind === 'refused' ? sight.why : 'gone';
  metrics.instanceLooks.inc({ outcome: why });
  return { kind: 'refused', why };
}
