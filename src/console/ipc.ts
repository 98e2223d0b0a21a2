// SPDX-License-Identifier: Apache-2.0
// What the supervisor and its relay workers say to each other over the cluster's IPC channel. Messages are plain
// JSON. A `request` is answered by a `reply` with the same id; everything else is a note that expects nothing.
import type { Conf } from '../conf/index.js';
import type { TlsMaterial } from '../tls/certificates.js';
import type { CloseReason } from '../close-reason.js';
import type { Explained } from '../service/explanation.js';
import type { GuestPolicy, PolicyKey } from './guest-channels.js';
import type { ScreenName } from './screen-name.js';
import type { ClientPlace, MigrationDestination } from './spice/migration-messages.js';

/** Where and how a console's server is reached; the ticket travels in memory only. */
export interface BackendTarget {
  readonly hypervisor: string;
  readonly hypervisorIp: string;
  readonly insecurePort: number | null;
  readonly securePort: number | null;
  readonly ticket: string;
  readonly caCert: string | null;
  readonly hostSubject: string | null;
  readonly transport: 'plain' | 'tls' | null;
  readonly protocol: 'spice' | 'vnc';
  /** null: its ports are dialled. */
  readonly route: BackendRoute | null;
}

/** A way to a backend that is no TCP connection to its port: ConsoleRoute of src/objects/connect-info.ts. */
export type BackendRoute =
  | {
      readonly kind: 'connect_proxy';
      readonly host: string;
      readonly port: number;
      /** What the proxy is asked for in place of the backend's address; may be a secret. */
      readonly asksFor?: string;
    }
  | { readonly kind: 'unix_socket'; readonly path: string }
  | SshRoute
  | WebSocketRoute;

/** Through ssh; the private key is named by its file, which the worker reads. */
export interface SshRoute {
  readonly kind: 'ssh';
  readonly login: {
    readonly host: string;
    readonly port: number;
    readonly username: string;
    readonly keyfile: string;
    readonly knownHosts: string;
  };
  /** The unix socket on the hypervisor that the console listens on; absent: it has ports. */
  readonly path?: string;
  /** The address of these ports as the hypervisor sees it, such as 127.0.0.1; absent: that of the console. */
  readonly address?: string;
}

/** By a WebSocket whose binary messages are the stream. */
export interface WebSocketRoute {
  readonly kind: 'websocket';
  readonly url: string;
  readonly subprotocol: string;
  /** Secret: the token that opens it. */
  readonly bearer: string;
  /** PEM; null: the CAs of Node. */
  readonly ca: string | null;
  readonly insecure: boolean;
}

/** A client's request to open a channel, after its ticket was decrypted. */
export interface AuthorizeRequest {
  readonly op: 'authorize';
  readonly ticket: string;
  readonly connectionId: number;
  readonly channelType: number;
  readonly channelId: number;
  readonly clientIp: string;
  readonly clientPort: number;
  /** Seconds from accept to the ticket. */
  readonly linkTime: number;
}

/** The backend has accepted the main channel and named its session: must be recorded before the client learns of it. */
export interface EstablishRequest {
  readonly op: 'establish';
  readonly connectionRef: string;
  readonly sessionId: string;
  readonly generation: number;
  readonly backendConnectionId: number;
}

/** The backend has refused the ticket that was made for this channel: another one is wanted. */
export interface MintRequest {
  readonly op: 'mint';
  readonly connectionRef: string;
  /** The number of the one that was refused. */
  readonly refused: number;
}

/** The hypervisor of a main channel says where its guest goes, or has gone: what its client is told. */
export interface MigrateRequest {
  readonly op: 'migrate';
  readonly connectionRef: string;
  /** `begin`: it goes there. `switch`: it is there. */
  readonly step: 'begin' | 'switch';
  /** What the client may do meanwhile, by [migration] mode. */
  readonly mode: SessionSettings['migration']['mode'];
  readonly destination: MigrationDestination;
}

/** The client goes over to this main channel, which leads to the destination of a migration. */
export interface GoOverRequest {
  readonly op: 'go_over';
  readonly connectionRef: string;
}

/** The destination of a migration has failed this channel, while its client may be opening others there. */
export interface DestinationFailedRequest {
  readonly op: 'destination_failed';
  readonly connectionRef: string;
}

/** The client of this main channel says that all its channels to the destination are open. */
export interface ClientReadyRequest {
  readonly op: 'client_ready';
  readonly connectionRef: string;
}

export type WorkerRequest =
  | AuthorizeRequest
  | EstablishRequest
  | MintRequest
  | MigrateRequest
  | GoOverRequest
  | DestinationFailedRequest
  | ClientReadyRequest;

/** The permission to open a channel, and everything the worker needs for it. */
export interface Grant {
  readonly kind: 'granted';
  readonly connectionRef: string;
  readonly sessionId: string;
  readonly generation: number;
  /** The session id that the client knows (u32). */
  readonly proxyConnectionId: number;
  /** The session id that the backend knows; 0 for a main channel. */
  readonly backendConnectionId: number;
  readonly source: string;
  readonly uuid: string;
  /** Name of its console, for its user: as its platform has it, of any length and any characters. */
  readonly name: string;
  readonly target: BackendTarget;
  /** The number of the ticket that was made for it; null: its ticket is the console's own. */
  readonly mint: number | null;
  /** The UUID that the guest must report before a byte passes; null: guests of this source report none. */
  readonly expectedInstanceUuid: string | null;
  /** The settings in effect for the session now. */
  readonly settings: SessionSettings;
  /** Whether the control plane is told of all bytes of the channel: it is recorded, or inspected. */
  readonly tapped: boolean;
  /** Whether the client is shown why, should its desktop not come up or end by an order. */
  readonly messageScreen: boolean;
  /** The number of the migration at whose destination it is opened; null: of none. */
  readonly migration: number | null;
}

/**
 * What a session may do, as the control plane decides it: groups of the configuration, with their names. It travels in
 * the grant of each channel and may change while the session lives (`policy_changed`).
 */
export interface SessionSettings extends Pick<Conf, 'firewall' | 'pacing' | 'migration'> {
  readonly guestPolicy: GuestPolicy;
}

/** Why a channel is refused: what the client may conclude from the link result. */
export interface Denial {
  readonly kind: 'denied';
  /** `token`: result 7. `connection_id`: result 8. `limit`: result 1. `channel`, `error`: close without a result. */
  readonly because: 'token' | 'connection_id' | 'limit' | 'channel' | 'error';
  /** One of the refusal words of the metric, for the log. */
  readonly reason: string;
  readonly sessionId?: string;
  /** The ticket is good: instead of being refused its client is shown this. */
  readonly screen?: Explained;
}

/** The channel belongs to a message screen, which the worker serves itself. */
export interface ScreenGrant {
  readonly kind: 'screen';
  readonly about: Explained;
  readonly sessionId: string;
  /** As {@link Grant.name}; null: the console is gone. */
  readonly name: string | null;
}

/** The channel leads nowhere, and its client must not be refused: it is in the midst of a migration that has failed. */
export interface KeptGrant {
  readonly kind: 'kept';
  readonly sessionId: string;
}

export type AuthorizeReply = Grant | Denial | ScreenGrant | KeptGrant;

/** A new ticket, or why there is none. */
export type MintReply =
  | { readonly kind: 'minted'; readonly target: BackendTarget; readonly mint: number }
  | { readonly kind: 'not_minted'; readonly reason: CloseReason; readonly why: string };

/** What a client is told of a migration: where it connects to, or nothing. */
export type MigrateReply =
  { readonly kind: 'told'; readonly place: ClientPlace } | { readonly kind: 'refused'; readonly why: string };

/**
 * What becomes of a migration that a client was told of: the client could not connect; its hypervisor gave it up; or the guest
 * has moved.
 */
export type MigrationEvent = 'client_failed' | 'cancelled' | 'moved';

/** What happens on one channel of a message screen and concerns another one, which another worker may have. */
export type ScreenEvent =
  | { readonly kind: 'key' }
  /** The display channel of a desktop has come to the screen. */
  | { readonly kind: 'shown' }
  /** The client's window has this size in pixels. */
  | { readonly kind: 'size'; readonly width: number; readonly height: number };

/** What each request is answered with. */
export interface Answers {
  readonly authorize: AuthorizeReply;
  /** The session is up. */
  readonly establish: null;
  readonly mint: MintReply;
  readonly migrate: MigrateReply;
  /** The records know. */
  readonly go_over: null;
  /** The records know: what the client opens from now on leads nowhere. */
  readonly destination_failed: null;
  /** Whether what the client has opened leads anywhere. */
  readonly client_ready: { readonly kind: 'somewhere' | 'nowhere' };
}

/** An answer, and the kind of request that it belongs to. */
export type Answer<Op extends WorkerRequest['op'] = WorkerRequest['op']> = {
  readonly [To in Op]: { readonly to: To; readonly body: Answers[To] };
}[Op];

/** What a worker reports without waiting for an answer. */
export type WorkerNote =
  /** The program is loaded: messages sent earlier would be lost. */
  | { readonly op: 'loaded' }
  | {
      readonly op: 'ready';
      readonly secure: readonly number[];
      readonly insecure: readonly number[];
      readonly sharedBuffer: boolean;
    }
  | { readonly op: 'failed'; readonly message: string }
  | { readonly op: 'drained' }
  | {
      readonly op: 'linked';
      readonly connectionRef: string;
      readonly tls: boolean;
      /** Seconds from the authorization to the backend's OK. */
      readonly backendTime: number;
    }
  | {
      readonly op: 'backend_failed';
      readonly connectionRef: string;
      readonly reason: string;
      readonly detail: string;
    }
  | { readonly op: 'withheld'; readonly connectionRef: string; readonly messageType: number }
  | { readonly op: 'migration'; readonly connectionRef: string; readonly event: MigrationEvent }
  | {
      readonly op: 'closed';
      readonly connectionRef: string;
      readonly reason: CloseReason;
      readonly bytesUp: number;
      readonly bytesDown: number;
      /** Seconds from accept to close. */
      readonly duration: number;
      readonly verdicts: readonly Verdict[];
      /** What the guest policy kept back on it, absent: nothing; the metric has them from `traffic`. */
      readonly policyDrops?: readonly PolicyDrop[];
      /** How it was paced; null: it was not. */
      readonly pacing: PacingSummary | null;
    }
  | { readonly op: 'refused'; readonly reason: string; readonly clientIp: string }
  /** The user of a session has done something: its display channels may be in other workers. */
  | { readonly op: 'input'; readonly sessionId: string }
  /** All sessions that are paced in the worker; and what has been counted since the last such note. */
  | {
      readonly op: 'pacing';
      readonly sessions: readonly PacedSession[];
      readonly supersededDraws: number;
      /** Times from an input to its draw, in milliseconds. */
      readonly keyToDraws: readonly number[];
    }
  /** A client is shown why its desktop does not come up. */
  | { readonly op: 'screen_shown'; readonly about: Explained }
  | { readonly op: 'screen_event'; readonly screen: ScreenName; readonly event: ScreenEvent }
  | {
      readonly op: 'traffic';
      readonly accepted: number;
      readonly bytesUp: number;
      readonly bytesDown: number;
      /** What guest policies have kept back on all channels since the last such note; absent: nothing. */
      readonly policyDrops?: readonly PolicyDrop[];
    };

/** How a display channel was paced, when it has ended. */
export interface PacingSummary {
  /** Seconds for which it was paced. */
  readonly pacedFor: number;
  /** The link's round trip in milliseconds, and what it carried in bytes a second; null: not found out. */
  readonly rttMs: number | null;
  readonly bandwidth: number | null;
  /** Draws, and video frames, that were not sent because later ones hid them. */
  readonly supersededDraws: number;
  readonly supersededFrames: number;
  /** From an input to the draw that answered it, in milliseconds, averaged; null: none was seen. */
  readonly keyToDrawMs: number | null;
}

/** How a session is paced now, in one worker. */
export interface PacedSession {
  readonly sessionId: string;
  /** Display channels that are paced. */
  readonly displays: number;
  readonly rttMs: number | null;
  /** Bytes a second. */
  readonly bandwidth: number | null;
  readonly queueBytes: number;
  readonly supersededDraws: number;
  readonly keyToDrawMs: number | null;
}

/** Messages of one connection that broke the policy. */
export interface Verdict {
  readonly channel: string;
  readonly direction: 'client_to_server' | 'server_to_client';
  readonly rule: string;
  readonly action: 'enforced' | 'observed';
  readonly count: number;
}

/** Messages that a guest policy has kept back, or cut. */
export interface PolicyDrop {
  readonly key: PolicyKey;
  readonly direction: Verdict['direction'];
  readonly count: number;
}

/**
 * The groups of the configuration that a relay worker is given, with the names, units and bounds of src/conf; an option is
 * declared there and nowhere else. Of `[DEFAULT]` only what the log needs: its `transport_url` has a password.
 */
export interface RelaySettings extends Pick<Conf, 'spice' | 'proxy' | 'vnc'> {
  readonly default: Pick<Conf['default'], 'debug' | 'useJson' | 'logFile'>;
  readonly console: Pick<Conf['console'], 'messageScreenTime' | 'maxMessageScreens'>;
}

/** What the supervisor sends a worker. */
export type SupervisorMessage =
  | { readonly op: 'start'; readonly settings: RelaySettings; readonly tls: TlsMaterial }
  | { readonly op: 'tls'; readonly tls: TlsMaterial }
  | {
      readonly op: 'end_session';
      readonly sessionId: string;
      /** Channels of this generation and older end. */
      readonly generation: number;
      readonly reason: CloseReason;
    }
  /** A migration does not come about: the channels that were opened at its destination end. */
  | { readonly op: 'end_migration'; readonly sessionId: string; readonly migration: number }
  /** From now on these settings are in effect for the session's channels. */
  | { readonly op: 'policy_changed'; readonly sessionId: string; readonly settings: SessionSettings }
  /** The user of a session of which the worker has a display channel has done something elsewhere. */
  | { readonly op: 'input'; readonly sessionId: string }
  | { readonly op: 'screen_event'; readonly screen: ScreenName; readonly event: ScreenEvent }
  | { readonly op: 'drain' }
  | { readonly op: 'stop'; readonly reason: CloseReason }
  | Reply;

/** The answer to the request of this id, or why there is none. */
export type Reply =
  | { readonly op: 'reply'; readonly id: number; readonly ok: true; readonly answer: Answer }
  | {
      readonly op: 'reply';
      readonly id: number;
      readonly ok: false;
      readonly to: WorkerRequest['op'];
      readonly error: string;
    };

/** What a worker sends: a note, or a request with an id. */
export type WorkerMessage =
  | { readonly op: 'request'; readonly id: number; readonly body: WorkerRequest }
  | { readonly op: 'note'; readonly body: WorkerNote };
