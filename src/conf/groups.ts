// SPDX-License-Identifier: Apache-2.0
// All groups, and the type of the whole configuration that follows from them. A new group is one line here.
import { API_GROUP } from './api.js';
import { AUDIT_GROUP } from './audit.js';
import { CONDUCTOR_GROUP } from './conductor.js';
import { CONSOLE_GROUP } from './console.js';
import { CORS_GROUP } from './cors.js';
import { DATABASE_GROUP } from './database.js';
import { DEFAULT_GROUP } from './default.js';
import { FIREWALL_GROUP } from './firewall.js';
import { GUEST_POLICY_GROUP } from './guest-policy.js';
import { HTML5PROXY_GROUP } from './html5proxy.js';
import { INSPECTION_GROUP } from './inspection.js';
import { KEYSTONE_AUTHTOKEN_GROUP } from './keystone-authtoken.js';
import { KEYSTONE_GROUP } from './keystone.js';
import { METRICS_GROUP } from './metrics.js';
import { MIGRATION_GROUP } from './migration.js';
import { NOTIFICATIONS_GROUP } from './notifications.js';
import { NOVA_GROUP } from './nova.js';
import { OSLO_MESSAGING_NOTIFICATIONS_GROUP } from './oslo-messaging-notifications.js';
import { OSLO_MESSAGING_RABBIT_GROUP } from './oslo-messaging-rabbit.js';
import { OSLO_POLICY_GROUP } from './oslo-policy.js';
import { PACING_GROUP } from './pacing.js';
import { PROXY_GROUP } from './proxy.js';
import { RECORDING_GROUP } from './recording.js';
import { SHAKENFIST_GROUP } from './shakenfist.js';
import { SOURCES_GROUP } from './sources.js';
import { SPICE_GROUP } from './spice.js';
import { VNC_GROUP } from './vnc.js';
import type { GroupSpec, GroupValues } from './types.js';

/** Every group by the property that it has in the configuration, in the order of the sample file. */
export const GROUPS = {
  default: DEFAULT_GROUP,
  api: API_GROUP,
  cors: CORS_GROUP,
  console: CONSOLE_GROUP,
  database: DATABASE_GROUP,
  sources: SOURCES_GROUP,
  conductor: CONDUCTOR_GROUP,
  nova: NOVA_GROUP,
  shakenfist: SHAKENFIST_GROUP,
  notifications: NOTIFICATIONS_GROUP,
  spice: SPICE_GROUP,
  proxy: PROXY_GROUP,
  vnc: VNC_GROUP,
  firewall: FIREWALL_GROUP,
  guestPolicy: GUEST_POLICY_GROUP,
  migration: MIGRATION_GROUP,
  pacing: PACING_GROUP,
  recording: RECORDING_GROUP,
  inspection: INSPECTION_GROUP,
  html5proxy: HTML5PROXY_GROUP,
  audit: AUDIT_GROUP,
  keystoneAuthtoken: KEYSTONE_AUTHTOKEN_GROUP,
  keystone: KEYSTONE_GROUP,
  osloPolicy: OSLO_POLICY_GROUP,
  metrics: METRICS_GROUP,
  osloMessagingNotifications: OSLO_MESSAGING_NOTIFICATIONS_GROUP,
  osloMessagingRabbit: OSLO_MESSAGING_RABBIT_GROUP,
} as const satisfies Readonly<Record<string, GroupSpec>>;

/** The whole configuration: `conf.console.tokenTtl`. Frozen; times in seconds, sizes in bytes. */
export type Conf = { readonly [G in keyof typeof GROUPS]: GroupValues<(typeof GROUPS)[G]> };

/** Every group as [property, declaration]. */
export function listGroups(): readonly (readonly [string, GroupSpec])[] {
  return Object.entries(GROUPS);
}
