// SPDX-License-Identifier: Apache-2.0
// What the main channel's messages from the backend mean to the proxy: MAIN_INIT gets the session id that the
// client may know, once the control plane knows the backend's; migration messages name the hypervisor and are
// withheld; where the guest must be a certain one, nothing passes before its UUID has come; the notice that the keyboard channel is insecure is not true for a client that came over TLS.
import { ConnectionEnded } from '../connection/ends.js';
import type { ControlClient } from '../connection/control-client.js';
import type { Grant } from '../ipc.js';
import {
  guestUuid,
  initSessionId,
  MainDownStream,
  notifyText,
  rewriteInitSessionId,
  type MainDownEvent,
} from '../spice/main-messages.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';

const { NOTIFY } = SERVER_MESSAGE.common;
const { INIT, NAME, UUID, MIGRATE_BEGIN, MIGRATE_SWITCH_HOST, MIGRATE_BEGIN_SEAMLESS } = SERVER_MESSAGE.main;

/** The notice of spice-server (inputs-channel.cpp) when its own inputs socket is not TLS. */
const INSECURE_KEYBOARD = 'keyboard channel is insecure';

/** Bytes that may come before the guest's UUID; spice-server sends it right after MAIN_INIT. */
const MAX_HELD_BYTES = 65_536;

type InspectedMessage = Extract<MainDownEvent, { type: 'message' }>;

/** Where the messages of a chunk go: all but the last one, and the last one (or the rest of one). */
export type MainWriter = (first: Buffer | null, last: Buffer | null) => void;

/** Applies the rules to the stream; one per main channel. */
export class MainRules {
  private readonly stream: MainDownStream;
  /** The UUID that must come, as 32 hex digits; null: any guest will do. */
  private readonly guest: string | null;
  /** What came before the UUID; null once it has, or where none is asked for. */
  private held: MainDownEvent[] | null;
  private heldBytes = 0;

  /**
   * @param asked whether the client wants name and UUID itself
   * @param onIdentified called once, when the guest is the right one: client bytes may go
   */
  constructor(
    miniHeader: boolean,
    private readonly grant: Grant,
    private readonly control: ControlClient,
    private readonly asked: boolean,
    private readonly onIdentified: () => void,
  ) {
    this.stream = new MainDownStream(miniHeader);
    this.guest = grant.guest === null ? null : grant.guest.replaceAll('-', '').toLowerCase();
    this.held = this.guest === null ? null : [];
  }

  /** Whether the guest has yet to show that it is the right one. */
  get waiting(): boolean {
    return this.held !== null;
  }

  /**
   * Takes a chunk that stays intact; calls `write` once, perhaps later, or `fail`.
   *
   * @throws ProtocolError when the backend's stream is broken
   */
  push(chunk: Buffer, write: MainWriter, fail: (fault: ConnectionEnded) => void): void {
    const events = this.stream.push(chunk);
    const { held } = this;
    if (held === null) {
      this.deliver(events, new Outgoing(), write, fail);
      return;
    }
    this.hold(events, held);
    const shown = events.find((event) => event.type === 'message' && event.messageType === UUID);
    if (shown?.type === 'message') {
      const fault = this.faultOf(shown);
      if (fault !== null) {
        fail(fault);
        return;
      }
      this.held = null;
      this.onIdentified();
      this.deliver(held, new Outgoing(), write, fail);
    } else if (this.heldBytes > MAX_HELD_BYTES) {
      fail(new ConnectionEnded('guest not identified', 'too much came before its UUID'));
    } else {
      write(null, null);
    }
  }

  // The chunk is overwritten once it has been taken.
  private hold(events: readonly MainDownEvent[], held: MainDownEvent[]): void {
    for (const event of events) {
      const bytes = Buffer.from(event.bytes);
      this.heldBytes += bytes.length;
      held.push(
        event.type === 'pass'
          ? { ...event, bytes }
          : { ...event, bytes, body: bytes.subarray(bytes.length - event.body.length) },
      );
    }
  }

  private faultOf(event: InspectedMessage): ConnectionEnded | null {
    if (this.guest === null || event.messageType !== UUID) return null;
    const shown = guestUuid(event.body);
    return shown === this.guest
      ? null
      : new ConnectionEnded('wrong guest', `it shows ${shown ?? 'no UUID'}, not ${this.guest}`);
  }

  private deliver(
    events: MainDownEvent[],
    out: Outgoing,
    write: MainWriter,
    fail: (fault: ConnectionEnded) => void,
  ): void {
    for (const [index, event] of events.entries()) {
      if (event.type === 'pass') {
        out.add(event.bytes, event.begins);
      } else if (event.messageType === INIT) {
        this.establish(event).then(
          () => {
            out.add(event.bytes, true);
            this.deliver(events.slice(index + 1), out, write, fail);
          },
          (error: unknown) => fail(asFault(error)),
        );
        return;
      } else {
        const fault = this.faultOf(event);
        if (fault !== null) {
          fail(fault);
          return;
        }
        if (this.mayPass(event)) out.add(event.bytes, true);
      }
    }
    out.flush(write);
  }

  /** The session's row must name the backend's session before the client can open its next channel. */
  private async establish(event: InspectedMessage): Promise<void> {
    const { connectionRef, sessionId, generation, proxyConnectionId } = this.grant;
    const backendConnectionId = initSessionId(event.body);
    await this.control.request({
      op: 'establish',
      connectionRef,
      sessionId,
      generation,
      backendConnectionId,
    });
    rewriteInitSessionId(event.body, proxyConnectionId);
  }

  private mayPass(event: InspectedMessage): boolean {
    switch (event.messageType) {
      case MIGRATE_BEGIN:
      case MIGRATE_SWITCH_HOST:
      case MIGRATE_BEGIN_SEAMLESS:
        this.control.note({
          op: 'withheld',
          connectionRef: this.grant.connectionRef,
          messageType: event.messageType,
        });
        return false;
      case NAME:
      case UUID:
        return this.guest === null || this.asked;
      case NOTIFY:
        return !notifyText(event.body).includes(INSECURE_KEYBOARD);
      default:
        return true;
    }
  }
}

/** The messages of one chunk on their way to the client. */
class Outgoing {
  private readonly pieces: Buffer[] = [];
  private lastBegin = 0;

  add(bytes: Buffer, begins: boolean): void {
    if (begins) this.lastBegin = this.pieces.length;
    this.pieces.push(bytes);
  }

  flush(write: MainWriter): void {
    const first = this.pieces.slice(0, this.lastBegin);
    const last = this.pieces.slice(this.lastBegin);
    write(first.length === 0 ? null : Buffer.concat(first), last.length === 0 ? null : Buffer.concat(last));
  }
}

function asFault(error: unknown): ConnectionEnded {
  return error instanceof ConnectionEnded
    ? error
    : new ConnectionEnded('control plane failed', error instanceof Error ? error.message : 'unknown');
}
