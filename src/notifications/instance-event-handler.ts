// SPDX-License-Identifier: Apache-2.0
// Applies the effect of an event to the consoles of its instance. Every step may happen twice: when a process dies in the
// middle, another one handles the message from the start.
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../log.js';
import type { Fanout } from '../messaging/fanout.js';
import type { AuditEvents } from '../objects/audit-event.js';
import { endedByInstance } from '../objects/audit-message.js';
import type { ConsoleSessions } from '../objects/console-session.js';
import type { Consoles } from '../objects/console.js';
import type { InstanceConsole, InstanceFacts } from '../objects/instance-fact.js';
import { rulesOfTexts } from '../sources/guest-policy-text.js';
import { NOVA_PLATFORM } from '../sources/registry.js';
import type { ConsoleChange, Effect } from './effect.js';
import { effectOf } from './event-effects.js';
import type { InstanceEvent } from './instance-event.js';
import type { OwnNotifications } from './own/own-notifications.js';

/** The outcome of an event. `outdated`: something newer is known; `no_console`: the instance has none. */
export type Outcome = 'applied' | 'outdated' | 'no_console' | 'nothing';

/** Asks a source about a console again, in the background. */
export interface ConsoleRefreshes {
  request(source: string, uuid: string): void;
}

/** What an {@link InstanceEventHandler} is made with. */
export interface HandlerDependencies {
  readonly facts: InstanceFacts;
  readonly sessions: ConsoleSessions;
  readonly consoles: Consoles;
  readonly audit: AuditEvents;
  readonly own: Pick<OwnNotifications, 'terminated'>;
  readonly fanout: Fanout;
  readonly refreshes: ConsoleRefreshes;
  readonly log: Pick<Logger, 'info'>;
  /** Name of this node, for the audit. */
  readonly node: string;
}

/** Keeps consoles, tokens and sessions up to date with their instances in Nova. */
export class InstanceEventHandler {
  constructor(private readonly parts: HandlerDependencies) {}

  /** Applies an event. @throws DatabaseError when the database is away; the same event may be handled again */
  async handle(event: InstanceEvent): Promise<Outcome> {
    const effect = effectOf(event);
    if (effect.kind === 'nothing') return 'nothing';
    const consoles = await this.parts.facts.consoles(NOVA_PLATFORM, event.uuid);
    if (consoles.length === 0) return 'no_console';
    const applied: boolean[] = [];
    for (const console of consoles) applied.push(await this.apply(console, event, effect));
    return applied.includes(true) ? 'applied' : 'outdated';
  }

  private async apply(
    console: InstanceConsole,
    event: InstanceEvent,
    effect: Exclude<Effect, { kind: 'nothing' }>,
  ): Promise<boolean> {
    const { facts } = this.parts;
    const { source, uuid } = console;
    if (event.locked !== null) await facts.recordLock(source, uuid, event.time, event.locked);
    switch (effect.kind) {
      case 'removed':
        if (!effect.final && !(await facts.isNewer(source, uuid, event.time))) return false;
        await this.remove(source, uuid, nameOf(event));
        return true;
      case 'recorded':
        return this.record(console, event, effect);
      case 'noticed':
        if (effect.addressStale) await facts.markAddressStale(source, uuid);
        if (!(await facts.isNewer(source, uuid, event.time))) return false;
        this.broadcast(source, uuid, effect.change);
        if (effect.addressStale) this.parts.refreshes.request(source, uuid);
        return true;
    }
  }

  private async record(
    console: InstanceConsole,
    event: InstanceEvent,
    effect: Extract<Effect, { kind: 'recorded' }>,
  ): Promise<boolean> {
    const { facts, refreshes } = this.parts;
    const { source, uuid } = console;
    // Also for an older message: the newer one may not report that the hypervisor process is another.
    if (effect.addressStale) await facts.markAddressStale(source, uuid);
    const { time: at, host, status: state } = event;
    if (!(await facts.record(source, uuid, { at, state, host }))) return false;
    if (effect.ended) await this.interrupt(source, uuid, nameOf(event));
    this.broadcast(source, uuid, effect.change);
    const moved = host !== null && host !== console.host;
    const renamed = event.name !== null && event.name !== console.name;
    const asks = effect.addressStale || moved || renamed || saysOtherwise(console, event);
    if (event.fault === null && !effect.ended && asks) refreshes.request(source, uuid);
    return true;
  }

  // Tokens can be made until the console is gone: those made while its sessions ended are ended after that.
  private async remove(source: string, uuid: string, event: string): Promise<void> {
    const { sessions, consoles, log } = this.parts;
    const ended = (await sessions.terminateConsole(source, uuid, event)).sessionIds;
    if (await consoles.remove(source, uuid)) {
      ended.push(...(await sessions.terminateConsole(source, uuid, event)).sessionIds);
      this.broadcast(source, uuid, 'removed');
    }
    const { own, node } = this.parts;
    const by = { kind: 'notification' } as const;
    own.terminated({ source, uuid, sessionIds: ended, by, reason: event, node });
    await this.auditEnds(source, uuid, ended, event);
    log.info('console has gone with its instance', { source, uuid, event, sessions: ended.length });
  }

  private async interrupt(source: string, uuid: string, event: string): Promise<void> {
    const ended = await this.parts.sessions.interruptConsole(source, uuid);
    if (ended.length === 0) return;
    await this.auditEnds(source, uuid, ended, event);
    const { log } = this.parts;
    log.info('sessions have ended with the hypervisor process of their instance', {
      ...{ source, uuid, event },
      sessions: ended.length,
    });
  }

  private async auditEnds(
    source: string,
    uuid: string,
    sessions: readonly string[],
    event: string,
  ): Promise<void> {
    if (sessions.length === 0) return;
    const { audit, node } = this.parts;
    const message = endedByInstance(event);
    const users = await this.parts.sessions.usersOf(sessions);
    const by = { kind: 'notification' } as const;
    const events = sessions.map((session) => ({
      ...{ source, uuid, node, message, by },
      session_id: session,
      pid: process.pid,
      ...users.get(session),
    }));
    await audit.recordMany(events);
  }

  private broadcast(source: string, uuid: string, change: ConsoleChange | 'removed'): void {
    this.parts.fanout.cast({ method: 'console_changed', args: { source, uuid, change } });
  }
}

/** Whether the metadata in the message says something else of guest data than the records: Nova is asked what holds. */
function saysOtherwise({ metadataRules }: InstanceConsole, { metadata }: InstanceEvent): boolean {
  if (metadata === null) return false;
  return !isDeepStrictEqual(rulesOfTexts(metadata, 'kerbside_').rules, metadataRules);
}

/** The event as Nova's versioned format names it. */
function nameOf({ event, phase }: InstanceEvent): string {
  return phase === 'none' ? `instance.${event}` : `instance.${event}.${phase}`;
}
