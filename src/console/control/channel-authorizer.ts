// SPDX-License-Identifier: Apache-2.0
// Decides about the channels that relay workers ask for: whether the ticket opens one, where it leads, and with which
// settings. A channel that is granted enters the registry; one that is denied is counted, has its row closed and its place
// in the audit trail, and is published.
import { DatabaseError } from '../../exception.js';
import type { Timers } from '../../net/timers.js';
import {
  AUDIT,
  channelForbiddenBy as forbiddenAudit,
  INSTANCE_AUDIT,
  instanceRefused,
  RECORDING_AUDIT,
  ticketNotMinted,
} from '../../objects/audit-message.js';
import type { ChannelAdmission } from '../../objects/channel-admission.js';
import {
  ChannelInDoubt,
  type ChannelDenial,
  type ChannelGrant,
  type ChannelRequest,
  type PreparedChannel,
} from '../../objects/channel-types.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import { withCloud } from '../../objects/guest-policy-levels.js';
import { explainedEnd } from '../../service/explained-end.js';
import type { CloseReason } from '../../close-reason.js';
import type {
  AuthorizeReply,
  AuthorizeRequest,
  BackendTarget,
  Denial,
  MintReply,
  MintRequest,
  SessionSettings,
} from '../ipc.js';
import type { ConnectInfo } from '../../objects/connect-info.js';
import { channelForbiddenBy, ruleOf, vncForbiddenBy } from '../guest-channels.js';
import { channelName } from '../spice/constants.js';
import { NOTHING_PASSED, type ChannelLifecycle } from './channel-lifecycle.js';
import type { ChannelRecords } from './channel-records.js';
import { liveChannel, type ChannelRegistry, type LiveChannel, type WorkerName } from './channel-registry.js';
import type { DatabaseOutage } from './database-outage.js';
import type { ConsoleTakeover } from './console-takeover.js';
import { DeniedChannels } from './denied-channels.js';
import { denialMessage } from './denials.js';
import { Gatherer } from './gatherer.js';
import type { KnownSessions } from './known-sessions.js';
import { locateChannel, type ConsoleLocator, type Located, type Target } from './location.js';
import type { ProxyMetrics } from './metrics.js';
import type { NodeRecovery } from './node-recovery.js';
import type { NotificationPublisher } from './notification-publisher.js';
import type { Recorder } from './recorder.js';
import type { Refusals } from './refusals.js';
import type { Retries } from './retry.js';
import { settingsOf, type NodeSettings } from './session-settings.js';
import type { TapReceiver } from './tap-receiver.js';
import type { SessionWatch } from './session-watch.js';

/** For how long the channels of one session are gathered: a user waits for them. */
const JOINS_MS = 5;
/** Between two tries to decide about a channel beside a main channel while the database is away. */
const AWAY_PAUSE_MS = 250;

/** What channels are decided by. */
export interface AuthorizerSettings {
  readonly node: string;
  readonly maxConnectionsPerAddress: number;
  /** Seconds that the lookup of an instance may take: less than the worker waits for its answer. */
  readonly lookupTimeout: number;
  /** Whether clients are shown why their desktop does not come up, unless their source or console says otherwise. */
  readonly messageScreen: boolean;
}

/** What a {@link ChannelAuthorizer} is made with. */
export interface AuthorizerDependencies {
  readonly admission: Pick<ChannelAdmission, 'authorize' | 'prepare' | 'join'>;
  readonly known: KnownSessions;
  readonly lifecycle: ChannelLifecycle;
  readonly locator: ConsoleLocator;
  readonly metrics: ProxyMetrics;
  readonly outage: DatabaseOutage;
  readonly publisher: NotificationPublisher;
  readonly records: ChannelRecords;
  readonly recovery: NodeRecovery;
  readonly refusals: Refusals;
  readonly recorder: Pick<Recorder, 'refusal'>;
  readonly registry: ChannelRegistry;
  readonly retries: Retries;
  readonly taps: Pick<TapReceiver, 'expect'>;
  readonly takeover: Pick<ConsoleTakeover, 'take'>;
  readonly timers: Timers;
  readonly watch: SessionWatch;
}

/** A channel whose row is written, while it is decided what becomes of it. */
interface Candidate {
  readonly request: AuthorizeRequest;
  readonly outcome: ChannelGrant;
  readonly channel: LiveChannel;
  /** Milliseconds of the timers. */
  readonly requestedAt: number;
}

/** Grants or denies channels. */
export class ChannelAuthorizer {
  private readonly joins: Gatherer<PreparedChannel, boolean>;
  private readonly denied: DeniedChannels;

  /** @param session the settings that are in effect for every session */
  constructor(
    private readonly parts: AuthorizerDependencies,
    private readonly settings: AuthorizerSettings,
    private session: NodeSettings,
  ) {
    const { admission, timers } = parts;
    this.denied = new DeniedChannels(parts, settings.messageScreen);
    this.joins = new Gatherer(timers, JOINS_MS, (channels) => admission.join(channels));
  }

  /** Applies other settings to channels to come. */
  useSettings(session: NodeSettings): void {
    this.session = session;
  }

  /**
   * Grants a channel or denies it, also while the database is away. A main channel is denied at once then, and its user
   * told. A channel beside one waits, as long as its worker does: a desktop without its picture or its keys is worse
   * than one that is late.
   *
   * @throws a fault that is not the database's
   */
  async authorize(worker: WorkerName, request: AuthorizeRequest): Promise<AuthorizeReply> {
    const { metrics, outage, timers } = this.parts;
    metrics.linkSeconds.observe(request.linkTime);
    const patience = request.channelType === MAIN_CHANNEL ? 0 : this.settings.lookupTimeout * 1000;
    const lastTry = timers.now() + patience - AWAY_PAUSE_MS;
    for (;;) {
      try {
        return await this.decide(worker, request);
      } catch (fault) {
        if (!(fault instanceof DatabaseError) || timers.now() >= lastTry) return outage.denial(fault);
        outage.undecided(fault);
      }
      await new Promise<void>((resolve) => timers.after(AWAY_PAUSE_MS, resolve));
    }
  }

  /** Another ticket for a channel whose backend has refused its own. @throws DatabaseError */
  async remint({ connectionRef, refused }: MintRequest): Promise<MintReply> {
    const { locator, records, registry } = this.parts;
    const channel = registry.find(connectionRef);
    if (channel === undefined)
      return { kind: 'not_minted', reason: 'control plane failed', why: 'the channel is closed' };
    const { source, uuid, platform, recorded: target, channelType } = channel;
    const about = { source, uuid, platform, target, main: channelType === MAIN_CHANNEL };
    const found = await locator.remint(about, refused, this.settings.lookupTimeout);
    switch (found.kind) {
      case 'minted':
        return { ...found, target: backendTarget(found.target) };
      case 'denied':
        records.audit(channel, instanceRefused(found.why));
        return { kind: 'not_minted', reason: `instance ${found.why}`, why: '' };
      case 'not_minted':
        records.audit(channel, ticketNotMinted(found.why));
        return { kind: 'not_minted', reason: 'ticket not minted', why: found.why };
    }
  }

  private async decide(worker: WorkerName, request: AuthorizeRequest): Promise<AuthorizeReply> {
    const { registry, timers } = this.parts;
    if (registry.ofAddress(request.clientIp) >= this.settings.maxConnectionsPerAddress) {
      return { kind: 'denied', because: 'limit', reason: 'limit_address' };
    }
    const requestedAt = timers.now();
    const outcome = await this.admit(worker, request);
    if (outcome.kind === 'denied') return this.denied.answer(request, outcome);
    const candidate = { request, outcome, channel: liveChannel(worker, request, outcome), requestedAt };
    const target = await this.locate(candidate);
    if (target.kind === 'denied') return target;
    const now = withPolicyOf(candidate, target);
    // Taking the console comes last: what is denied for another reason leaves it to whoever has it.
    const denial = (await this.recordingDenial(now)) ?? this.denialOf(now) ?? (await this.takeConsole(now));
    return denial ?? this.grant(now, target);
  }

  private async admit(worker: WorkerName, request: AuthorizeRequest): Promise<ChannelGrant | ChannelDenial> {
    const { admission, metrics, outage, records, retries } = this.parts;
    const { ticket, connectionId, channelType, channelId, clientIp, clientPort } = request;
    const { node } = this.settings;
    const { pid } = worker;
    const asking = { ticket, connectionId, channelType, channelId, clientIp, clientPort, node, pid };
    const stop = metrics.authorizeSeconds.startTimer();
    if (channelType === MAIN_CHANNEL) await records.catchUp();
    const outcome = (await this.joinKnown(asking)) ?? (await admission.authorize(asking));
    stop();
    outage.over();
    retries.retryNow();
    return outcome;
  }

  /** The grant of a channel whose session this node knows; null: the database must be asked. */
  private async joinKnown(request: ChannelRequest): Promise<ChannelGrant | null> {
    const main = this.parts.known.mainOf(request);
    if (main === null) return null;
    const channel = this.parts.admission.prepare(main, request);
    const { connectionRef, sessionId, generation } = channel.grant;
    try {
      const joined = await this.joins.add(channel, `${sessionId} ${generation}`);
      return joined ? channel.grant : null;
    } catch (error) {
      throw error instanceof DatabaseError ? new ChannelInDoubt(connectionRef, error) : error;
    }
  }

  /** Where the channel leads, or why it leads nowhere. */
  private async locate(candidate: Candidate): Promise<Target | Denial> {
    const { request, outcome, channel } = candidate;
    const { lifecycle, locator, metrics, records } = this.parts;
    let location: Located;
    try {
      // What comes of a migration leads where its hypervisor has said: its platform knows that only seconds later.
      const placed = outcome.migration !== null && !outcome.migration.unplaced;
      const main = request.channelType === MAIN_CHANNEL && !placed;
      location = await locateChannel(locator, { grant: outcome, main }, metrics, this.settings.lookupTimeout);
    } catch (error) {
      lifecycle.finish(channel, { reason: 'control plane failed', ...NOTHING_PASSED });
      throw error;
    }
    if (location.kind === 'unconfirmed') records.audit(channel, INSTANCE_AUDIT.unverified);
    // A VNC server does not say whose it is: where the platform does not either, nobody may look.
    if (
      location.kind === 'unconfirmed' &&
      location.expectedInstanceUuid !== null &&
      location.target.protocol === 'vnc'
    ) {
      metrics.denied.inc();
      return this.giveUp(candidate, 'instance stale', { because: 'error', reason: 'instance_stale' });
    }
    if (location.kind === 'not_minted') {
      metrics.denied.inc();
      records.audit(channel, ticketNotMinted(location.why));
      return this.giveUp(candidate, 'ticket not minted', { because: 'error', reason: 'ticket_not_minted' });
    }
    if (location.kind !== 'denied') return location;
    const { why } = location;
    metrics.denied.inc();
    records.audit(channel, instanceRefused(why));
    return this.giveUp(candidate, `instance ${why}`, { because: 'error', reason: `instance_${why}` });
  }

  /** Why a session must not begin although its ticket is good: it is to be recorded, and cannot be. */
  private async recordingDenial(candidate: Candidate): Promise<Denial | null> {
    const { channel } = candidate;
    const { metrics, recorder, records } = this.parts;
    const why = channel.channelType === MAIN_CHANNEL ? await recorder.refusal(channel) : null;
    if (why === null) return null;
    metrics.denied.inc();
    metrics.recordingFailures.inc();
    records.audit(channel, RECORDING_AUDIT.refused(why));
    return this.giveUp(candidate, 'recording failed', { because: 'error', reason: 'recording_failed' });
  }

  /** Why a channel must not open although its ticket does; null: it may. */
  private denialOf(candidate: Candidate): Denial | null {
    const { request, outcome, channel, requestedAt } = candidate;
    const { lifecycle, metrics, records, registry, watch } = this.parts;
    const { sessionId, generation } = outcome;
    if (registry.isGone(channel.workerId)) {
      lifecycle.finish(channel, { reason: 'proxy worker died', ...NOTHING_PASSED });
      return { kind: 'denied', because: 'error', reason: 'worker_died', sessionId };
    }
    const ended = watch.endedSince(requestedAt, sessionId, generation);
    if (ended !== null) return this.giveUp(candidate, ended, { because: 'error', reason: 'session_ended' });
    const session = settingsOf(this.session, outcome.settings);
    if (!permits(request.channelType, session)) {
      records.audit(channel, AUDIT.channelForbidden);
      metrics.denied.inc();
      return this.giveUp(candidate, 'channel forbidden', { because: 'channel', reason: 'channel_forbidden' });
    }
    const { guestPolicy } = session;
    const key =
      channelForbiddenBy(guestPolicy, request.channelType, request.channelId) ??
      (outcome.connectInfo.protocol === 'vnc' ? vncForbiddenBy(guestPolicy) : null);
    if (key === null) return null;
    const rule = ruleOf(key);
    records.audit(channel, forbiddenAudit(rule));
    metrics.denied.inc();
    return this.giveUp(candidate, `channel forbidden: ${rule}`, { because: 'channel', reason: rule });
  }

  /** Ends the session that holds the console, where this one is to have it. Why it does not get it; null: it has it. */
  private async takeConsole(candidate: Candidate): Promise<Denial | null> {
    const { outcome, channel } = candidate;
    if (outcome.hold !== 'takes') return null;
    const { lifecycle, metrics, records, takeover } = this.parts;
    let taken: boolean;
    try {
      taken = await takeover.take(outcome);
    } catch (error) {
      lifecycle.finish(channel, { reason: 'control plane failed', ...NOTHING_PASSED });
      throw error;
    }
    channel.holds = taken;
    if (taken) return this.denialOf(candidate);
    metrics.denied.inc();
    records.audit(channel, denialMessage('console_in_use'));
    return this.giveUp(candidate, 'console in use', { because: 'token', reason: 'console_in_use' });
  }

  /** Closes the row of a channel that must not open, and publishes that. */
  private giveUp(
    { request, outcome, channel }: Candidate,
    reason: CloseReason,
    denial: Pick<Denial, 'because' | 'reason'>,
  ): Denial {
    this.parts.lifecycle.finish(channel, { reason, ...NOTHING_PASSED });
    const { issuedTo } = channel.owner;
    this.parts.publisher.consoleRefused(denial.reason, { ...channel, issuedTo });
    const shown =
      request.channelType === MAIN_CHANNEL &&
      denial.reason !== 'session_ended' &&
      this.denied.showsScreens(outcome);
    const { sessionId } = channel;
    return { kind: 'denied', ...denial, sessionId, ...(shown ? { screen: explainedEnd(reason) } : {}) };
  }

  private grant(candidate: Candidate, { target, expectedInstanceUuid, mint }: Target): AuthorizeReply {
    const { known, metrics, records, recovery, registry, retries } = this.parts;
    const { request, outcome, channel, requestedAt } = candidate;
    metrics.authorized.inc();
    registry.add(channel);
    // The client keeps nothing of what it had at the hypervisor that its guest has left.
    if (outcome.migration?.kind === 'return')
      this.parts.watch.end(outcome.sessionId, outcome.generation - 1, 'main channel closed');
    if (request.channelType === MAIN_CHANNEL && outcome.migration?.kind !== 'destination')
      known.granted(request.ticket, outcome, target);
    if (recovery.hasMissed(requestedAt)) void retries.run(() => recovery.run(), 'recover');
    records.audit(channel, AUDIT.channelCreated);
    const { connectionRef, sessionId, generation, source, uuid, name } = outcome;
    const { proxyConnectionId, backendConnectionId } = outcome;
    return {
      kind: 'granted',
      connectionRef,
      sessionId,
      generation,
      proxyConnectionId,
      backendConnectionId,
      source,
      uuid,
      name,
      target: backendTarget(target),
      mint,
      expectedInstanceUuid,
      settings: settingsOf(this.session, outcome.settings),
      tapped: this.parts.taps.expect(channel),
      messageScreen: this.denied.showsScreens(outcome),
      migration: outcome.migration?.kind === 'destination' ? outcome.migration.number : null,
    };
  }
}

function permits(channelType: number, { firewall: { permittedChannels } }: SessionSettings): boolean {
  const name = channelName(channelType);
  return permittedChannels.length === 0 || permittedChannels.some((permitted) => permitted === name);
}

// What the platform says now is newer than the records were when they were read.
function withPolicyOf(candidate: Candidate, target: Target): Candidate {
  if (target.kind !== 'confirmed' || target.guestPolicy === undefined) return candidate;
  const { outcome, channel } = candidate;
  const { guestPolicy = [], ...others } = outcome.settings;
  const levels = withCloud(guestPolicy, target.guestPolicy);
  const settings = { ...others, ...(levels.length === 0 ? {} : { guestPolicy: levels }) };
  channel.settings = settings;
  return { ...candidate, outcome: { ...outcome, settings } };
}

function backendTarget(target: ConnectInfo): BackendTarget {
  return {
    ...target,
    transport: target.transport ?? null,
    protocol: target.protocol ?? 'spice',
    route: target.route ?? null,
  };
}
