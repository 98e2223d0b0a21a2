// SPDX-License-Identifier: Apache-2.0
// The messages of a main channel by which a hypervisor moves its client to another one. They carry the hypervisor's address
// and never reach the client unchanged: it is sent to Kerbside, which takes it to the destination. Facts: a hypervisor whose
// client has not answered MIGRATE_BEGIN waits 10 s for it, with the guest standing still, and one whose client stays after
// MIGRATE_SWITCH_HOST cuts it after 10 s [spice-server reds.cpp].
//
//   robust     the hypervisor hears at once that its client cannot open channels ahead, and sends MIGRATE_SWITCH_HOST when the
//              guest has moved: that is passed on
//   seamless   MIGRATE_BEGIN is passed on as well
//   off        nothing is passed on, and the channel ends when the guest has moved
//
// A guest may be gone before its client has opened its channels ahead. A client in the midst of that reads nothing of its main
// channel to the source; it must be told MIGRATE_CANCEL before MIGRATE_SWITCH_HOST, or it keeps what it has opened, and can
// follow no later migration in this way [spice-gtk channel-main.c, spice-session.c]. What is to come of the channels that it
// is opening: connection/kept-client.ts.
//
// A destination may fail while its client opens channels there. Those are kept as well, so that the client finds all of them
// open and says so: its hypervisor is told that it cannot, and sends it on when the guest has moved; the client is told
// MIGRATE_CANCEL, and goes on where it is.
import type { Grant, MigrateReply, SessionSettings } from '../ipc.js';
import {
  DROP,
  end,
  PASS,
  replace,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Stage,
  type StagePorts,
} from '../relay/stage.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';
import { destinationBody, readDestination, type MigrationDestination } from '../spice/migration-messages.js';
import type { MigrationControl } from './migration-control.js';

/** Bytes of the largest body of these messages that is looked into. */
const MAX_BODY_BYTES = 4096;

const { MIGRATE } = SERVER_MESSAGE.common;
const { MIGRATE_BEGIN, MIGRATE_BEGIN_SEAMLESS, MIGRATE_CANCEL, MIGRATE_END, MIGRATE_SWITCH_HOST } =
  SERVER_MESSAGE.main;
const { MIGRATE_CONNECTED, MIGRATE_CONNECT_ERROR, MIGRATE_CONNECTED_SEAMLESS } = CLIENT_MESSAGE.main;

const DOWN: Interest = {
  bodies: {
    types: new Set([
      ...[MIGRATE_BEGIN, MIGRATE_BEGIN_SEAMLESS, MIGRATE_CANCEL, MIGRATE_SWITCH_HOST, MIGRATE_END],
      MIGRATE,
    ]),
    maxBodyBytes: MAX_BODY_BYTES,
  },
};
const UP: Interest = {
  bodies: {
    types: new Set([MIGRATE_CONNECTED, MIGRATE_CONNECT_ERROR, MIGRATE_CONNECTED_SEAMLESS]),
    maxBodyBytes: MAX_BODY_BYTES,
  },
};
const NOTHING = Buffer.alloc(0);

/**
 * How far the migration has come that the client was told of. `none`: it was told of none. `announced`: it may open channels.
 * `moved`: the guest has left, the client goes over. `switched`: the client goes and begins anew.
 */
type Phase = 'none' | 'announced' | 'moved' | 'switched';

/** Follows, or keeps from the client, the migrations of a main channel's hypervisor. */
export class SourceMigration implements Stage {
  readonly name = 'migration';
  readonly down = DOWN;
  readonly up = UP;
  private mode: SessionSettings['migration']['mode'];
  private phase: Phase = 'none';
  private ports: StagePorts | null = null;

  constructor(
    private readonly grant: Grant,
    settings: SessionSettings,
    private readonly control: MigrationControl,
  ) {
    this.mode = settings.migration.mode;
  }

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  /** A migration that was announced goes on as it began. */
  onSettings({ migration }: SessionSettings): void {
    this.mode = migration.mode;
  }

  onMessage(direction: Direction, { type, body }: Message): Answer | Promise<Answer> {
    if (direction === 'up') return this.answered(type);
    switch (type) {
      case MIGRATE_BEGIN:
      case MIGRATE_BEGIN_SEAMLESS:
        return this.begins(type, readDestination(body, type === MIGRATE_BEGIN_SEAMLESS));
      case MIGRATE_SWITCH_HOST:
        return this.switches(readDestination(body, false));
      case MIGRATE_CANCEL:
        return this.cancelled();
      default:
        return this.moves();
    }
  }

  private begins(type: number, destination: MigrationDestination): Answer | Promise<Answer> {
    if (this.mode === 'seamless') return this.announce(type, destination);
    // Nothing depends on the answer: a place that is forbidden is known, and told, before the guest is there.
    if (this.mode === 'robust')
      this.control
        .migrate(this.grant, { step: 'begin', mode: this.mode }, destination)
        .catch(() => undefined);
    return this.decline(type);
  }

  private async announce(type: number, destination: MigrationDestination): Promise<Answer> {
    const reply = await this.control
      .migrate(this.grant, { step: 'begin', mode: 'seamless' }, destination)
      .catch((): MigrateReply => ({ kind: 'refused', why: 'no answer' }));
    if (reply.kind === 'refused') return this.decline(type);
    this.phase = 'announced';
    return replace(destinationBody(reply.place, destination.version));
  }

  /** The hypervisor hears that its client cannot: the client itself never knows. */
  private decline(type: number): Answer {
    this.control.withheld(this.grant, type);
    this.ports?.insert('up', this.ports.make(MIGRATE_CONNECT_ERROR, NOTHING));
    return DROP;
  }

  private async switches(destination: MigrationDestination): Promise<Answer> {
    if (this.mode === 'off' && this.phase === 'none') {
      this.control.withheld(this.grant, MIGRATE_SWITCH_HOST);
      return end('migration not followed', 'the guest has moved to another hypervisor');
    }
    const reply = await this.control.migrate(this.grant, { step: 'switch', mode: this.mode }, destination);
    if (reply.kind === 'refused') {
      this.control.withheld(this.grant, MIGRATE_SWITCH_HOST);
      return end('migration refused', reply.why);
    }
    const overtaken = this.phase === 'announced';
    this.phase = 'switched';
    const body = destinationBody(reply.place, null);
    if (!overtaken || this.ports === null) return replace(body);
    this.ports.insert('down', this.ports.make(MIGRATE_CANCEL, NOTHING));
    this.ports.insert('down', this.ports.make(MIGRATE_SWITCH_HOST, body));
    return DROP;
  }

  private cancelled(): Answer {
    if (this.phase !== 'announced') return DROP;
    this.phase = 'none';
    this.control.happened(this.grant, 'cancelled');
    return PASS;
  }

  private moves(): Answer {
    if (this.phase === 'announced') {
      this.phase = 'moved';
      this.control.happened(this.grant, 'moved');
    }
    return this.phase === 'moved' ? PASS : DROP;
  }

  /** A hypervisor that was answered for already, or that asked for nothing, must not hear a client that says otherwise. */
  private answered(type: number): Answer | Promise<Answer> {
    if (this.phase !== 'announced') return DROP;
    if (type !== MIGRATE_CONNECT_ERROR) return this.ready();
    this.phase = 'none';
    this.control.happened(this.grant, 'client_failed');
    return PASS;
  }

  private async ready(): Promise<Answer> {
    const goes = await this.control.clientReady(this.grant).catch(() => false);
    // What came from the hypervisor meanwhile counts.
    if (this.phase !== 'announced') return DROP;
    if (goes) return PASS;
    this.phase = 'none';
    this.ports?.insert('up', this.ports.make(MIGRATE_CONNECT_ERROR, NOTHING));
    this.ports?.insert('down', this.ports.make(MIGRATE_CANCEL, NOTHING));
    return DROP;
  }
}
