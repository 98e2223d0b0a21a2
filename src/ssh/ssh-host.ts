// SPDX-License-Identifier: Apache-2.0
// One host that is reached over ssh: one connection, which its channels share, made when the first of them is wanted and again after it
// has broken, closed when none was for a while. The host key must be a known one; the login is a key pair's, and nothing else is tried.
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel, ServerHostKeyAlgorithm } from 'ssh2';
import { unlessAborted } from '../net/deadline.js';
import { readLogin, type SshLogin } from './ssh-login.js';
import { fingerprintOf, keyType, knownKeys } from './known-hosts.js';
import { SshFault } from './ssh-fault.js';
import { SshStream } from './ssh-stream.js';

/** What is reached on the host, as the host sees it: a port of an address, or a unix socket. */
export type SshTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** Milliseconds for connection and login. */
const CONNECT_MS = 10_000;
/** Milliseconds of silence after which the host is asked whether it lives, and answers that may lack in a row. */
const KEEPALIVE_MS = 5000;
const MAX_MISSED = 3;
/** Milliseconds after which a connection without channels is closed. */
const IDLE_MS = 10_000;
/** Milliseconds for which a login that was refused, or a wrong host key, is not tried again: hosts ban those who insist. */
const REFUSAL_MS = 10_000;
/** Channels of one connection: desktops have about eight each. */
const MAX_CHANNELS = 1024;
/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254 section 5.1). */
const PROHIBITED = 1;

interface Connection {
  readonly client: Client;
  channels: number;
  idle: NodeJS.Timeout | undefined;
  /** Whether it can be used no longer. */
  broken: boolean;
}

/** One host, for one login. */
export class SshHost {
  private connecting: Promise<Connection> | null = null;
  private refusal: { readonly fault: SshFault; readonly until: number } | null = null;

  constructor(private readonly login: SshLogin) {}

  /**
   * A stream to a target on the host.
   * @throws SshFault
   */
  async open(target: SshTarget, signal: AbortSignal): Promise<SshStream> {
    const connection = await this.inTime(this.connection(), signal);
    if (connection.channels >= MAX_CHANNELS)
      throw this.fault('host', `has ${String(MAX_CHANNELS)} channels open already; wait for some to end`);
    connection.channels += 1;
    clearTimeout(connection.idle);
    const opening = this.channel(connection, target);
    // One that is open too late is closed.
    const late = (): void =>
      void opening.then(
        (stream) => stream.destroy(),
        () => undefined,
      );
    try {
      return await this.inTime(opening, signal);
    } catch (error) {
      late();
      throw error;
    }
  }

  private async inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const outcome = await unlessAborted(
      work.then((value) => ({ value })),
      signal,
    );
    if (outcome === null)
      throw this.fault('timeout', 'did not answer in time; see whether it is overloaded or cut off');
    return outcome.value;
  }

  private connection(): Promise<Connection> {
    if (this.connecting !== null) return this.connecting;
    if (this.refusal !== null && performance.now() < this.refusal.until)
      return Promise.reject(this.refusal.fault);
    const connecting = this.connect();
    this.connecting = connecting;
    connecting.catch((error: unknown) => {
      this.forget(connecting);
      if (error instanceof SshFault && (error.kind === 'key' || error.kind === 'login'))
        this.refusal = { fault: error, until: performance.now() + REFUSAL_MS };
    });
    return connecting;
  }

  private forget(connecting: Promise<Connection>): void {
    if (this.connecting === connecting) this.connecting = null;
  }

  private async connect(): Promise<Connection> {
    const { host, port, username } = this.login;
    const { privateKey, knownHosts } = await readLogin(this.login);
    const known = knownKeys(knownHosts, host, port);
    let keyFault: SshFault | null = null;
    const verify = (key: Buffer): boolean => {
      keyFault = this.keyFault(key, known);
      return keyFault === null;
    };
    // Not before: every relay worker has this file, and few sites have a host that is reached over ssh.
    const { default: ssh2 } = await import('ssh2');
    const client = new ssh2.Client();
    const sock = net.connect({ host, port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      // It stays: an error without a listener would end the process.
      client.on('error', (error: Error & { level?: string; code?: string }) =>
        reject(keyFault ?? this.connectFault(error)),
      );
      client.once('close', () =>
        reject(keyFault ?? this.fault('host', 'closed the connection; see the log of its sshd')),
      );
      try {
        client.connect({
          ...{ sock, username, privateKey, hostVerifier: verify, readyTimeout: CONNECT_MS },
          ...{ keepaliveInterval: KEEPALIVE_MS, keepaliveCountMax: MAX_MISSED },
          authHandler: ['publickey'],
          algorithms: { serverHostKey: algorithmsFor(known.keys) },
        });
      } catch {
        sock.destroy();
        reject(
          this.fault('login', `cannot be logged in to with ${this.login.keyfile}: ssh cannot use the key`),
        );
      }
    });
    return this.watched(client, sock);
  }

  private watched(client: Client, sock: net.Socket): Connection {
    const connection: Connection = { client, channels: 0, idle: undefined, broken: false };
    const mine = this.connecting;
    client.once('close', () => {
      connection.broken = true;
      clearTimeout(connection.idle);
      if (mine !== null) this.forget(mine);
    });
    // A connection that waits keeps no process from ending.
    sock.unref();
    return connection;
  }

  private channel(connection: Connection, target: SshTarget): Promise<SshStream> {
    const { client } = connection;
    return new Promise((resolve, reject) => {
      const done = (error: (Error & { reason?: number }) | undefined, channel: ClientChannel): void => {
        client.removeListener('close', lost);
        if (error !== undefined) {
          this.left(connection);
          reject(this.targetFault(target, error));
          return;
        }
        const stream = new SshStream(channel);
        stream.once('close', () => this.left(connection));
        // Of the connection below it, which is gone at once with all its channels.
        client.once('close', () =>
          stream.destroy(Object.assign(new Error('ssh connection lost'), { code: 'ECONNRESET' })),
        );
        resolve(stream);
      };
      const lost = (): void => {
        this.left(connection);
        reject(this.fault('host', 'closed the connection; see the log of its sshd'));
      };
      if (connection.broken) {
        lost();
        return;
      }
      client.once('close', lost);
      client.setMaxListeners(0);
      if ('path' in target) client.openssh_forwardOutStreamLocal(target.path, done);
      else client.forwardOut('127.0.0.1', 0, target.host, target.port, done);
    });
  }

  private left(connection: Connection): void {
    connection.channels -= 1;
    if (connection.channels > 0 || connection.broken) return;
    connection.idle = setTimeout(() => connection.client.end(), IDLE_MS);
    connection.idle.unref();
  }

  private keyFault(key: Buffer, { keys, revoked }: ReturnType<typeof knownKeys>): SshFault | null {
    const { host, knownHosts } = this.login;
    const shown = `${keyType(key)} ${fingerprintOf(key)}`;
    if (revoked.some((other) => other.equals(key)))
      return this.fault(
        'key',
        `has a host key that ${knownHosts} calls revoked (${shown}); give the host another one`,
      );
    if (keys.some((other) => other.equals(key))) return null;
    if (keys.length === 0)
      return this.fault(
        'key',
        `has the host key ${shown}, and ${knownHosts} has none for ${host}; compare it with the host's own, and add it there`,
      );
    return this.fault(
      'key',
      `has another host key (${shown}) than ${knownHosts} has for it; somebody may be in between, or the host was installed ` +
        "anew: compare it with the host's own, and correct the file",
    );
  }

  private connectFault(error: Error & { level?: string; code?: string }): SshFault {
    const { username, keyfile } = this.login;
    switch (error.level) {
      case 'client-authentication':
        return this.fault(
          'login',
          `does not let ${username} in with the key ${keyfile}; add its public half to the user's authorized_keys, and see its sshd's log`,
        );
      case 'client-timeout':
        return this.fault('timeout', 'did not answer in time; see whether it is overloaded or cut off');
      case undefined:
      default:
        return this.fault(
          'host',
          `cannot be reached (${error.code ?? error.level ?? 'ssh'}); see whether its sshd runs, and its port`,
        );
    }
  }

  private targetFault(target: SshTarget, { reason }: { reason?: number }): SshFault {
    const shown =
      'path' in target ? `the unix socket ${target.path}` : `${target.host} port ${String(target.port)}`;
    const why =
      reason === PROHIBITED
        ? `does not allow to reach ${shown}; allow it (AllowTcpForwarding, AllowStreamLocalForwarding, permitopen, port-forwarding)`
        : `cannot reach ${shown}; see whether somebody listens there, and whether user ${this.login.username} may open it`;
    return this.fault('target', why);
  }

  private fault(kind: SshFault['kind'], text: string): SshFault {
    return new SshFault(kind, `ssh host ${this.login.host}: it ${text}`);
  }
}

/** The hosts of this process, by their logins. */
export class SshHosts {
  private readonly hosts = new Map<string, SshHost>();

  /** A stream to a target on a host. @throws SshFault */
  open(login: SshLogin, target: SshTarget, signal: AbortSignal): Promise<Duplex & { destroySoon(): void }> {
    const key = JSON.stringify([login.host, login.port, login.username, login.keyfile, login.knownHosts]);
    const known = this.hosts.get(key) ?? new SshHost(login);
    this.hosts.set(key, known);
    return known.open(target, signal);
  }
}

/** The types of known keys first, so that a host that has several shows a known one (as OpenSSH does). */
function algorithmsFor(keys: readonly Buffer[]): ServerHostKeyAlgorithm[] {
  const types = new Set(keys.map(keyType));
  const all: readonly (readonly [string, ServerHostKeyAlgorithm])[] = [
    ['ssh-ed25519', 'ssh-ed25519'],
    ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'],
    ['ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp384'],
    ['ecdsa-sha2-nistp521', 'ecdsa-sha2-nistp521'],
    ['ssh-rsa', 'rsa-sha2-512'],
    ['ssh-rsa', 'rsa-sha2-256'],
  ];
  const known = all.filter(([type]) => types.has(type));
  const others = all.filter(([type]) => !types.has(type));
  return [...known, ...others].map(([, algorithm]) => algorithm);
}
