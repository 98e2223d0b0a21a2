// SPDX-License-Identifier: Apache-2.0
// The state of this site's messaging, without names and addresses, since anyone may read it. Conductors consume Nova's
// notifications and report that in the list of services; this process may be one itself.
import { Unavailable } from '../exception.js';
import type { BrokerStatus } from '../messaging/messaging.js';
import { withDeadline } from '../net/deadline.js';
import type { Service, Services } from '../objects/service.js';

/** The consumption of Nova's notifications, by the best of all conductors. */
export type NotificationHealth = (typeof BEST_FIRST)[number];

const BEST_FIRST = ['receiving', 'none yet', 'disconnected', 'off'] as const;
/** Milliseconds that an answer of the database is good for: anyone may ask, as often as they like. */
const REMEMBERED_MS = 1000;
/** Milliseconds that the database may take: a load balancer waits for this answer. */
const ANSWER_MS = 1000;
const MOST_SERVICES = 500;

/** What is known of the broker and of notifications. */
export interface MessagingHealthParts {
  readonly messaging: () => BrokerStatus;
  /** What this process says of itself, all of its parts together. */
  readonly describe: () => Readonly<Record<string, unknown>>;
  readonly services: Pick<Services, 'list'>;
  /** `[DEFAULT] service_down_time`, seconds. */
  readonly downTime: number;
}

/** Answers for `/healthcheck`; nothing here makes a process unhealthy. */
export class MessagingHealth {
  /** null: no conductor says anything. */
  private known: NotificationHealth | null = null;
  private asked = -Infinity;

  constructor(private readonly parts: MessagingHealthParts) {}

  /** The states now, or as they were at most a second ago. Never rejects. */
  async report(): Promise<{ messaging: BrokerStatus['state']; notifications: NotificationHealth }> {
    const messaging = this.parts.messaging().state;
    const nobody = messaging === 'off' ? 'off' : 'disconnected';
    return { messaging, notifications: (await this.notifications()) ?? nobody };
  }

  private async notifications(): Promise<NotificationHealth | null> {
    const own = stateIn(this.parts.describe());
    if (own !== null) return own;
    const now = performance.now();
    if (now - this.asked < REMEMBERED_MS) return this.known;
    this.asked = now;
    try {
      const { services, downTime } = this.parts;
      const list = services.list({ limit: MOST_SERVICES }, { downTime });
      const page = await withDeadline(list, ANSWER_MS, () => new Unavailable('the database does not answer'));
      this.known = bestOf(page.items);
    } catch {
      // The database is unavailable: /healthcheck reports that itself.
    }
    return this.known;
  }
}

function bestOf(services: readonly Service[]): NotificationHealth | null {
  const states = services.filter(({ state }) => state === 'up').map(({ report }) => stateIn(report));
  return BEST_FIRST.find((state) => states.includes(state)) ?? null;
}

// What other releases say is not taken at its word.
function stateIn(report: Readonly<Record<string, unknown>>): NotificationHealth | null {
  const said = report['notifications'];
  const state = typeof said === 'object' && said !== null && 'state' in said ? said.state : null;
  return BEST_FIRST.find((known) => known === state) ?? null;
}
