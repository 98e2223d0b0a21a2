// SPDX-License-Identifier: Apache-2.0
// The Prometheus metrics of the consumption of notifications. Labels hold names of this code only: a sender at the broker must
// not be able to create time series.
import { Counter, Gauge, Registry } from 'prom-client';
import type { ListenerStatus } from '../messaging/messaging.js';
import type { Exposition } from '../service/metrics.js';

/** The metrics of one conductor. */
export class NotificationMetrics implements Exposition {
  readonly registry = new Registry();
  readonly received = new Counter({
    name: 'kerbside_notifications_received_total',
    help: 'Notifications that came in.',
    labelNames: ['format', 'outcome'],
    registers: [this.registry],
  });
  readonly handled = new Counter({
    name: 'kerbside_notifications_handled_total',
    help: 'Events of instances that were taken up.',
    labelNames: ['event', 'outcome'],
    registers: [this.registry],
  });
  private readonly lastTimestamp = this.gauge(
    'kerbside_notifications_last_timestamp_seconds',
    'When the last notification came in; 0 before the first.',
  );
  private readonly deadLettered = this.gauge(
    'kerbside_notifications_dead_lettered',
    'Notifications that went to the dead-letter queue since the start.',
  );
  private readonly connected = this.gauge(
    'kerbside_notifications_connected',
    'Whether notifications are heard: 1 or 0.',
  );
  private readonly broker = this.gauge(
    'kerbside_messaging_connected',
    'Whether the message broker is connected: 1 or 0.',
  );

  /**
   * @param listener the state of the listener
   * @param messaging the state of the broker
   */
  constructor(
    private readonly listener: () => ListenerStatus,
    private readonly messaging: () => { readonly state: string },
  ) {}

  async text(): Promise<string> {
    const { state, deadLettered, lastMessage } = this.listener();
    this.connected.set(state === 'connected' ? 1 : 0);
    this.deadLettered.set(deadLettered);
    this.lastTimestamp.set(lastMessage ?? 0);
    this.broker.set(this.messaging().state === 'connected' ? 1 : 0);
    return this.registry.metrics();
  }

  private gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.registry] });
  }
}
