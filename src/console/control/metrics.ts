// SPDX-License-Identifier: Apache-2.0
// The proxy's Prometheus metrics: the original's six names, and what it lacked. One registry in the supervisor's
// process; the workers report to it over IPC.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Exposition } from '../../service/metrics.js';
import type { PolicyDrop } from '../ipc.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The metrics and their registry. */
export class ProxyMetrics implements Exposition {
  readonly registry = new Registry();
  readonly connections = this.counter('connections_total', 'TCP connections accepted on the SPICE ports.');
  readonly activeConnections = this.gauge('active_connections', 'Authorized channels that are open now.');
  readonly authorized = this.counter('authorized_total', 'Channels whose ticket was accepted.');
  readonly denied = this.counter('denied_total', 'Channels whose ticket was not accepted.');
  readonly bytesRelayed = this.counter('bytes_relayed_total', 'Bytes relayed.', ['direction']);
  readonly firewallVerdicts = this.counter(
    'firewall_verdicts_total',
    'Messages that broke the channel policy.',
    ['channel', 'direction', 'rule', 'action'],
  );
  readonly guestPolicyDrops = this.counter(
    'guest_policy_drops_total',
    'Messages that the guest policy kept back.',
    ['key', 'direction'],
  );
  readonly refused = this.counter(
    'refused_total',
    'Client connections refused or lost before authorization.',
    ['reason'],
  );
  readonly backendFailures = this.counter('backend_failures_total', 'Hypervisors that could not be used.', [
    'reason',
  ]);
  readonly closed = this.counter('closed_total', 'Authorized channels that ended.', ['reason']);
  readonly instanceLooks = this.counter(
    'instance_looks_total',
    'Looks at instances in Nova before their screens are opened.',
    ['outcome'],
  );
  readonly wrongGuests = this.counter(
    'wrong_guests_total',
    'Hypervisors that showed another machine than the one asked for, or did not tell which.',
    ['reason'],
  );
  readonly recovered = this.counter(
    'channels_recovered_total',
    'Channels that ran on while this node was taken for dead.',
    ['outcome'],
  );
  readonly withheld = this.counter(
    'migration_messages_withheld_total',
    'Migration messages kept from clients.',
    ['type'],
  );
  readonly migrations = this.counter(
    'migrations_total',
    'Live migrations of guests that a session was open to, by what became of it.',
    ['mode', 'outcome'],
  );
  readonly recordingBytes = this.outside('recording_bytes_total', 'Bytes of recordings on the disk.');
  readonly recordingFailures = this.outside(
    'recording_failures_total',
    'Recordings that failed, or could not begin.',
  );
  readonly recordingGaps = this.outside(
    'recording_gaps_total',
    'Gaps in recordings because the disk was too slow.',
  );
  readonly auditDropped = this.outside(
    'audit_dropped_total',
    'Audit events that were never written: the database was away for too long.',
  );
  readonly messageScreens = this.counter(
    'message_screens_total',
    'Clients that were shown why their desktop did not come up.',
    ['about'],
  );
  readonly activeSessions = this.gauge('active_sessions', 'Sessions with an open channel on this node.', [
    'source',
  ]);
  readonly workers = this.gauge('workers', 'Relay workers that run.');
  readonly workerDeaths = this.counter(
    'worker_deaths_total',
    'Relay workers that ended without being told to.',
  );
  readonly pacedSessions = this.gauge('paced_sessions', 'Sessions whose display channels are paced now.');
  readonly pacingQueueBytes = this.gauge(
    'pacing_queue_bytes',
    'Bytes that wait in relay workers for clients on slow links.',
  );
  readonly supersededDraws = this.counter(
    'superseded_draws_total',
    'Draws that were not sent because later ones hid them.',
  );
  readonly keyToDrawSeconds = this.histogram(
    'key_to_draw_seconds',
    'From an input to the arrival of the draw that answered it, in paced sessions.',
  );
  readonly clientRttSeconds = this.histogram(
    'client_rtt_seconds',
    'Round trip of the link to the client, of display channels that were paced and have ended.',
  );
  readonly linkSeconds = this.histogram('link_seconds', 'From accept to the ticket of a client.');
  readonly authorizeSeconds = this.histogram(
    'authorize_seconds',
    'Decision of the control plane about a channel.',
  );
  readonly backendSeconds = this.histogram(
    'backend_seconds',
    'Dialling and linking a hypervisor that accepted.',
  );

  constructor() {
    // The original's lanes read these two labels before any traffic has passed.
    this.bytesRelayed.inc({ direction: 'client_to_server' }, 0);
    this.bytesRelayed.inc({ direction: 'server_to_client' }, 0);
  }

  /** Counts what guest policies have kept back. */
  countDrops(drops: readonly PolicyDrop[] = []): void {
    for (const { key, direction, count } of drops) this.guestPolicyDrops.inc({ key, direction }, count);
  }

  /** Calls `refresh` before each scrape, to bring the gauges up to date. */
  onScrape(refresh: () => void): void {
    this.refresh = refresh;
  }

  /** The exposition, text format 0.0.4. */
  text(): Promise<string> {
    this.refresh();
    return this.registry.metrics();
  }

  private refresh: () => void = () => undefined;

  private counter<T extends string>(name: string, help: string, labelNames: T[] = []): Counter<T> {
    return new Counter({ name: `kerbside_proxy_${name}`, help, labelNames, registers: [this.registry] });
  }

  /** A counter that is not about relaying. */
  private outside(name: string, help: string): Counter {
    return new Counter({ name: `kerbside_${name}`, help, registers: [this.registry] });
  }

  private gauge<T extends string>(name: string, help: string, labelNames: T[] = []): Gauge<T> {
    return new Gauge({ name: `kerbside_proxy_${name}`, help, labelNames, registers: [this.registry] });
  }

  private histogram(name: string, help: string): Histogram {
    return new Histogram({
      name: `kerbside_proxy_${name}`,
      help,
      buckets: SECONDS,
      registers: [this.registry],
    });
  }
}
