// SPDX-License-Identifier: Apache-2.0
// The sink `syslog`: messages over TLS (RFC 5425). Syslog has no acknowledgement. What tells that a server has read everything
// is the end of the stream: after the last message Kerbside closes its side with close_notify, and the server, which reads that
// after all messages, closes the other (RFC 5425, 4.4). So each batch has a connection of its own, and counts only when it ended
// like that.
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { KerbsideException } from '../exception.js';
import type { SealedEvent } from '../objects/audit-digest.js';
import type { AuditSink } from './sink.js';
import { syslogFrame, type SyslogFacility } from './syslog-message.js';

/** Where messages go, and as what. */
export interface SyslogServer {
  readonly host: string;
  readonly port: number;
  readonly facility: SyslogFacility;
  /** PEM; absent: the CAs that Node knows, and no certificate of our own. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** The server did not take messages. */
export class SyslogFault extends KerbsideException {}

/** Sends audit events to a syslog server. */
export class SyslogSink implements AuditSink {
  readonly name = 'syslog';

  /** @param node the name of this node */
  constructor(
    private readonly server: SyslogServer,
    private readonly node: string,
  ) {}

  /** @throws SyslogFault */
  async deliver(events: readonly SealedEvent[], signal: AbortSignal): Promise<void> {
    const { host, port, facility } = this.server;
    const frames = events.map((event) => syslogFrame(event, facility, this.node)).join('');
    try {
      await exchange(this.options(), Buffer.from(frames, 'latin1'), signal);
    } catch (error) {
      throw new SyslogFault(`syslog server ${host}:${port}: ${faultOf(error)}`);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private options(): ConnectionOptions {
    const { host, port, ca, cert, key } = this.server;
    const identity = cert === undefined ? {} : { cert, key };
    // A server name in the handshake is never an address: RFC 6066, 3.
    const servername = /^[\d.]+$|:/.test(host) ? {} : { servername: host };
    return {
      host,
      port,
      ...servername,
      ...(ca === undefined ? {} : { ca }),
      ...identity,
      minVersion: 'TLSv1.2',
    };
  }
}

/** Sends all bytes and waits until the server has read them to their end. */
function exchange(options: ConnectionOptions, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    const giveUp = (): void => void socket.destroy(new SyslogFault(slowness(socket)));
    let ended = false;
    socket.once('secureConnect', () => socket.end(bytes));
    // What a server says is of no meaning, and must be read: its end comes after it.
    socket.resume();
    socket.once('end', () => (ended = true));
    socket.once('error', reject);
    socket.once('close', () => {
      signal.removeEventListener('abort', giveUp);
      if (ended && socket.writableFinished) resolve();
      else reject(new SyslogFault('it closed the connection before it had everything'));
    });
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
}

function slowness(socket: TLSSocket): string {
  if (!socket.authorized) return 'no connection in time';
  return socket.writableFinished
    ? 'it did not close the connection after the last message, so it is not known whether it has read them'
    : 'it did not read the messages in time';
}

const FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'it cut the connection before it had everything',
  EPIPE: 'it closed the connection before it had everything',
  ENOTFOUND: 'the name does not resolve; see [audit] syslog_server',
  EAI_AGAIN: 'the name does not resolve for now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate names another host; see [audit] syslog_server',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port; see [audit] syslog_port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS on this port; see [audit] syslog_port',
};
const UNTRUSTED = /^(?:DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

function faultOf(error: unknown): string {
  if (error instanceof SyslogFault) return error.message;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (UNTRUSTED.test(code)) return 'its certificate is of an unknown authority; see [audit] syslog_ca_file';
  return FAULTS[code] ?? `TLS or network fault ${code === '' ? 'of an unknown kind' : code}`;
}
