// SPDX-License-Identifier: Apache-2.0
// The relay step: carries bytes both ways between the legs until an end. What is seen of them and what becomes of them
// is the pipeline's matter (pipeline.ts, direction.ts). Each leg is read only while the other one takes what it is
// given, so one buffer serves all connections of the worker, nobody starves, and a slow client stops its backend.
import type { Backend } from '../backend/open.js';
import { systemTimers } from '../../net/timers.js';
import type { ClientConnection, Traffic } from '../connection/client-connection.js';
import type { ClientLink } from '../connection/link.js';
import type { ScreenStart } from '../message-screen/screen-channel.js';
import type { WorkerContext } from '../connection/worker-context.js';
import type { Grant, PacingSummary, PolicyDrop, SessionSettings, Verdict } from '../ipc.js';
import { channelName } from '../spice/constants.js';
import { DropCounts } from '../guest-policy/drop-counts.js';
import { BackendWriter } from './backend-writer.js';
import { ClientWriter } from './client-writer.js';
import { mainControl } from './main-control.js';
import { ChannelPipeline } from './pipeline.js';
import { RelayEnd } from './relay-end.js';
import { stagesFor } from './stage-order.js';

/** Carries one channel. */
export class Relay implements Traffic {
  private readonly pipeline: ChannelPipeline;
  private readonly toClient: ClientWriter;
  private readonly toBackend: BackendWriter;
  private readonly leavePacer: () => void;
  private readonly drops: DropCounts;
  private readonly ending: RelayEnd;

  constructor(
    private readonly connection: ClientConnection,
    worker: WorkerContext,
    private readonly link: ClientLink,
    grant: Grant,
    private readonly backend: Backend,
  ) {
    const { client } = connection;
    const { leg } = backend;
    const { message, miniHeader, rttMs } = link;
    const { maxMessageSize, backendTimeout } = worker.settings.proxy;
    this.toClient = new ClientWriter(client, connection.clientTakesBytesAtOnce);
    this.toBackend = new BackendWriter(leg.socket);
    this.ending = new RelayEnd(connection, leg, () => this.release());
    const settings = connection.settingsOf(grant);
    const { pacer, leave } = worker.pacers.join(grant.sessionId, settings.pacing);
    this.leavePacer = leave;
    this.drops = new DropCounts(worker.policyDrops);
    const stages = stagesFor({
      ...{ message, miniHeader, rttMs, grant, settings, pacer, maxMessageSize },
      backendCaps: backend.channelCaps,
      drops: this.drops,
      timers: systemTimers,
      tapPipe: worker.tapPipe,
      userActed: () => worker.pacers.input(grant.sessionId, performance.now()),
      identityTimeout: backendTimeout,
      control: mainControl(worker.control),
    });
    const channel = channelName(message.channelType) ?? 'unknown';
    this.pipeline = new ChannelPipeline(
      { miniHeader, channel, failed: (fault) => this.ending.stop(fault) },
      stages,
      {
        up: { sink: this.toBackend, life: 'kept', readOn: () => client.resume() },
        down: { sink: this.toClient, life: leg.chunkLife, readOn: () => leg.resume() },
      },
    );
  }

  get bytesUp(): number {
    return this.pipeline.up.bytes;
  }

  get bytesDown(): number {
    return this.pipeline.down.bytes;
  }

  /**
   * Relays until one side ends.
   *
   * @throws ConnectionEnded with the reason of the end, StageFailed when one of the stages threw
   */
  run(): Promise<never> {
    this.connection.traffic = this;
    return this.ending.wait(() => this.start());
  }

  get untouched(): boolean {
    return this.pipeline.up.bytes === 0 && !this.toClient.hasWritten;
  }

  /** Where another server may go on with the client once the relay has ended; null: its last message is not whole. */
  handOver(): ScreenStart | null {
    const { up, down } = this.pipeline;
    const [sent, received] = [down.lastPlace, up.lastPlace];
    if (sent?.atBoundary !== true || received === null || this.connection.client.destroyed) return null;
    return { ...received.unread, serial: BigInt(sent.messages) };
  }

  verdicts(): Verdict[] {
    return this.pipeline.verdicts();
  }

  pacing(): PacingSummary | null {
    return this.pipeline.pacing();
  }

  policyDrops(): PolicyDrop[] {
    return this.drops.list();
  }

  blockedLeg(): 'client' | 'backend' | null {
    if (this.toClient.busy) return 'client';
    return this.toBackend.busy ? 'backend' : null;
  }

  useSettings(settings: SessionSettings): void {
    this.pipeline.useSettings(settings);
  }

  private start(): void {
    const { pipeline, link, backend } = this;
    const { client } = this.connection;
    this.connection.readBy({
      data: (chunk) => {
        if (!pipeline.up.take(chunk.length, chunk)) client.pause();
      },
      end: () => this.ending.end('client closed'),
    });
    pipeline.start();
    // Paused since the link stage.
    if (pipeline.up.begin(link.rest)) client.resume();
    backend.leg.read((length, buffer) => pipeline.down.take(length, buffer));
    if (pipeline.down.begin(backend.early)) backend.leg.resume();
  }

  private release(): void {
    this.pipeline.end();
    this.leavePacer();
    this.toClient.end();
  }
}
