// SPDX-License-Identifier: Apache-2.0
// Where a granted channel leads. Its platform is asked, because by now another machine may have the port that was last
// known; the answers are counted, and a missing one is logged.
import { loggerFor } from '../../log.js';
import type { ChannelGrant } from '../../objects/channel-types.js';
import type { Located, Locator } from '../../sources/locator.js';
import type { ProxyMetrics } from './metrics.js';

export type { Located };

/** Finds where channels lead. */
export type ConsoleLocator = Pick<Locator, 'locate' | 'remint'>;

/** A place to connect to. */
export type Target = Exclude<Located, { kind: 'denied' | 'not_minted' }>;

const log = loggerFor('kerbside.console.control-plane');

/**
 * Asks where a granted channel leads.
 *
 * @param timeout seconds that its platform may take
 * @throws DatabaseError
 */
export async function locateChannel(
  locator: ConsoleLocator,
  { grant, main }: { readonly grant: ChannelGrant; readonly main: boolean },
  metrics: ProxyMetrics,
  timeout: number,
): Promise<Located> {
  const { source, uuid, platform, connectInfo: target } = grant;
  const location = await locator.locate({ source, uuid, platform, target, main }, timeout);
  switch (location.kind) {
    case 'recorded':
      break;
    case 'confirmed':
      metrics.instanceLooks.inc({ outcome: 'true' });
      break;
    case 'unconfirmed':
      log.warning('cloud could not be asked about an instance', { source, uuid, fault: location.why });
      metrics.instanceLooks.inc({ outcome: 'unknown' });
      break;
    case 'denied':
      metrics.instanceLooks.inc({ outcome: location.why });
      break;
    case 'not_minted':
      log.warning('no ticket was made for a console', { source, uuid, fault: location.why });
  }
  return location;
}
