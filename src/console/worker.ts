// SPDX-License-Identifier: Apache-2.0
// The program of a relay worker: forked by the supervisor through node:cluster, given its settings over IPC. It holds
// sockets and keys; no database, no framework, nothing that could block its event loop.
import process from 'node:process';
import { configureLogging, loggerFor } from '../log.js';
import { ControlClient } from './connection/control-client.js';
import type { RelaySettings, SupervisorMessage, WorkerMessage } from './ipc.js';
import type { TlsMaterial } from '../tls/certificates.js';
import { Listener } from './listener/listener.js';
import { TrafficCounter } from './connection/traffic-counter.js';
import { DropCounts } from './guest-policy/drop-counts.js';
import { MessageBatcher } from './message-batcher.js';
import { SessionPacers } from './pacing/session-pacers.js';
import { OpenScreens } from './message-screen/open-screens.js';
import { TapPipe } from './recording/tap-pipe.js';
import { RelayBuffer } from './relay/relay-buffer.js';
import { tlsWritesConsumeTheirBuffer } from './relay/self-test.js';
import { SessionRegistry } from './connection/session-registry.js';
import { startIdleWatch } from './connection/idle-watch.js';
import { TicketKeys } from './listener/ticket-key.js';
import type { WorkerContext } from './connection/worker-context.js';

const log = loggerFor('kerbside.console.worker');

type Order = Exclude<SupervisorMessage, { op: 'start' }>;

/** One worker's life, from `start` to exit. */
class RelayWorker {
  private stopping = false;

  private constructor(
    private readonly context: WorkerContext,
    private readonly listener: Listener,
  ) {}

  static async start(settings: RelaySettings, tls: TlsMaterial): Promise<RelayWorker> {
    for (const group of Object.values(settings)) Object.freeze(group);
    const { debug, useJson, logFile } = settings.default;
    configureLogging({ debug, useJson, file: logFile });
    const shared = await tlsWritesConsumeTheirBuffer(tls);
    if (!shared) log.warning('self test failed: every connection reads into a buffer of its own');
    const control = new ControlClient(tell, settings.proxy.controlTimeout);
    const pacers = new SessionPacers((sessionId) => {
      // With one worker all channels of a session are here.
      if (settings.spice.workers > 1) control.noteAtOnce({ op: 'input', sessionId });
    });
    const context: WorkerContext = {
      settings,
      control,
      registry: new SessionRegistry(),
      ticketKeys: await TicketKeys.create(),
      buffer: new RelayBuffer(shared),
      tapPipe: new TapPipe(),
      trafficCounter: new TrafficCounter(),
      pacers,
      policyDrops: new DropCounts(),
      screens: new OpenScreens(settings.console.maxMessageScreens, (screen, event) =>
        control.noteAtOnce({ op: 'screen_event', screen, event }),
      ),
    };
    const listener = new Listener(context, tls);
    const ports = await listener.listen();
    startIdleWatch(context);
    context.control.note({ op: 'ready', ...ports, sharedBuffer: shared });
    return new RelayWorker(context, listener);
  }

  handle(message: Order): void {
    const { registry, control, screens } = this.context;
    switch (message.op) {
      case 'reply':
        control.settle(message);
        return;
      case 'tls':
        this.listener.useCertificates(message.tls);
        return;
      case 'end_session':
        // A grant of the same batch has not joined its session yet: its awaiting step runs after this turn.
        setImmediate(() => registry.endSession(message.sessionId, message.generation, message.reason));
        return;
      case 'end_migration':
        setImmediate(() => registry.endMigration(message.sessionId, message.migration));
        return;
      case 'policy_changed':
        // After the grants of the same batch, as above.
        setImmediate(() => registry.useSettings(message.sessionId, message.settings));
        return;
      case 'input':
        this.context.pacers.find(message.sessionId)?.input(performance.now());
        return;
      case 'screen_event':
        // After the orders of the same batch, as above: a channel may come to its screen by one.
        setImmediate(() => screens.receive(message.screen, message.event));
        return;
      case 'drain':
        this.listener.stopAccepting();
        screens.endAll();
        registry.whenIdle(() => {
          if (!this.stopping) control.note({ op: 'drained' });
        });
        return;
      case 'stop':
        // Sessions that are over then leave their screens behind.
        this.stopping = true;
        this.listener.stopAccepting();
        // Those of a desktop come to theirs by this order.
        screens.endAll();
        registry.endAll(message.reason);
        registry.whenEmpty(() => control.note({ op: 'drained' }));
        return;
    }
  }
}

const batcher = new MessageBatcher<WorkerMessage>((batch) => {
  // The channel is gone when the supervisor is; the cluster ends this process then.
  if (process.connected) process.send?.(batch);
});

function tell(message: WorkerMessage, soon: boolean): void {
  if (soon) batcher.putSoon(message);
  else batcher.put(message);
}

let worker: RelayWorker | null = null;
/** What came while the worker started: a certificate or a drain that is lost would not come again. */
const early: Order[] = [];

function receive(message: SupervisorMessage): void {
  if (message.op !== 'start') {
    if (worker === null) early.push(message);
    else worker.handle(message);
    return;
  }
  RelayWorker.start(message.settings, message.tls).then(
    (started) => {
      worker = started;
      for (const order of early.splice(0)) started.handle(order);
    },
    (error: unknown) => {
      const fault = error instanceof Error ? error.message : String(error);
      batcher.put({ op: 'note', body: { op: 'failed', message: fault } });
    },
  );
}

process.on('message', (batch: SupervisorMessage[]) => {
  for (const message of batch) receive(message);
});
// The supervisor drains and stops its workers; a signal to the whole process group must not overtake it.
process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
batcher.put({ op: 'note', body: { op: 'loaded' } });
