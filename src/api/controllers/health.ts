// SPDX-License-Identifier: Apache-2.0
// What load balancers ask: `/healthcheck` whether to send requests here, `/healthcheck/live` whether to restart us.
import { Controller } from '@nestjs/common';
import { ServiceUnavailable } from '../faults.js';
import { Readiness } from '../../service/readiness.js';
import { MessagingHealth } from '../messaging-health.js';

/** `/healthcheck`, `/healthcheck/live` */
@Controller()
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly messagingHealth: MessagingHealth,
  ) {}

  /**
   * Ready: the database answers and the process is not shutting down; without the broker only messages are late.
   * @throws ServiceUnavailable
   */
  async ready(): Promise<Record<string, unknown>> {
    const fault = await this.readiness.fault();
    if (fault !== undefined) throw new ServiceUnavailable(fault);
    return { result: 'ok', ...(await this.messagingHealth.report()) };
  }

  /** Alive: the process answers. */
  live(): Record<string, unknown> {
    return { result: 'ok' };
  }
}
