// SPDX-License-Identifier: Apache-2.0
// The backend step of a VNC console: its server is spoken to up to its ServerInit, with VeNCrypt's TLS between where it wants
// that. One deadline covers both parts.
import { readFile } from 'node:fs/promises';
import tls, { type ConnectionOptions } from 'node:tls';
import { RfbClient, type RfbStep } from '../../rfb/client-side.js';
import { RfbFault } from '../../rfb/wire.js';
import type { DialledLeg } from '../backend/dial.js';
import { runExchange, type Exchange } from '../backend/exchange.js';
import type { BackendLeg } from '../backend/leg.js';
import { SocketLeg } from '../backend/socket-leg.js';
import { backendTlsOptions } from '../backend/tls.js';
import type { EndSignal } from '../connection/end-signal.js';
import { BackendFailed, type BackendFailureReason } from '../connection/ends.js';
import type { BackendTarget, RelaySettings } from '../ipc.js';

/** A VNC server that has taken us. */
export interface RfbBackend {
  readonly leg: BackendLeg;
  /** ServerInit, and what came behind it. */
  readonly early: Buffer;
}

/** What a VNC server is spoken to by. */
export interface RfbWay {
  readonly target: BackendTarget;
  /** The name or address that a certificate without a pin must be of. */
  readonly certifiedHost: string;
  readonly settings: Pick<RelaySettings, 'vnc' | 'proxy'>;
  readonly signal: EndSignal;
  /** Milliseconds for all of it, asked again for each part. */
  readonly timeLeft: () => number;
}

const REASONS: Readonly<Record<RfbFault['kind'], BackendFailureReason>> = {
  protocol: 'protocol',
  refused: 'link_refused',
  password: 'wrong_ticket',
};

/**
 * Runs the handshake; leaves the leg's reading stopped, or destroys the leg.
 * @throws BackendFailed by reason, and the fault that the signal was raised with
 */
export async function linkRfb({ leg, early }: DialledLeg, way: RfbWay): Promise<RfbBackend> {
  const { signal, target, timeLeft } = way;
  const { vnc, proxy } = way.settings;
  const wantsTls = proxy.backendTransport === 'require_tls' || target.transport === 'tls';
  const strict = wantsTls && !leg.secure;
  const schemes = vnc.authSchemes.filter((scheme) => !strict || scheme === 'vencrypt');
  const client = new RfbClient({ schemes, password: target.ticket });
  const first = await runExchange(leg, new RfbExchange(client, leg, early), signal, timeLeft());
  if (first.kind === 'done') return asBackend(leg, first);
  let secured: SocketLeg;
  try {
    secured = withinTls(leg, await vencryptOptions(way));
  } catch (error) {
    leg.socket.destroy();
    throw error;
  }
  const nothing = Buffer.alloc(0);
  const second = await runExchange(secured, new RfbExchange(client, secured, nothing), signal, timeLeft());
  if (second.kind === 'done') return asBackend(secured, second);
  secured.socket.destroy();
  throw new BackendFailed('protocol', 'the VNC server wants TLS within TLS');
}

type Outcome = Exclude<RfbStep, { kind: 'send' }>;

/** The bytes of one part of a handshake. */
class RfbExchange implements Exchange<Outcome> {
  private write: (bytes: Buffer) => void = () => undefined;

  constructor(
    private readonly client: RfbClient,
    private readonly leg: BackendLeg,
    private readonly early: Buffer,
  ) {}

  begin(write: (bytes: Buffer) => void): void {
    this.write = write;
    // The server speaks first, and waits for an answer to its first words: no outcome is among them.
    if (this.early.length > 0) this.push(this.early);
  }

  push(chunk: Buffer): Outcome | null {
    try {
      this.client.push(chunk);
      for (let step = this.client.next(); step !== null; step = this.client.next()) {
        if (step.kind !== 'send') return step;
        this.write(step.bytes);
      }
      return null;
    } catch (error) {
      if (error instanceof RfbFault) throw new BackendFailed(REASONS[error.kind], error.message);
      throw error;
    }
  }

  ended(): BackendFailed {
    return new BackendFailed('reset', 'the VNC server closed the connection in the handshake');
  }

  late(): BackendFailed {
    return new BackendFailed('timed_out', 'no answer in time');
  }

  failed(error: NodeJS.ErrnoException): BackendFailed {
    return this.leg.failed(error);
  }
}

function asBackend(leg: BackendLeg, { serverInit, rest }: Extract<Outcome, { kind: 'done' }>): RfbBackend {
  return { leg, early: Buffer.concat([serverInit, rest]) };
}

function withinTls(leg: BackendLeg, options: ConnectionOptions): SocketLeg {
  if (leg instanceof SocketLeg) return SocketLeg.tlsWithin(leg, Buffer.alloc(0), options);
  // TLS takes its bytes from now on: the leg must not stop them.
  leg.read(() => true);
  return SocketLeg.tlsOver(leg.socket, options);
}

/** What certificates are judged by, as for SPICE; and Kerbside's own, where there is one. */
async function vencryptOptions({ target, certifiedHost, settings }: RfbWay): Promise<ConnectionOptions> {
  const { vencryptCaCerts, vencryptClientCert, vencryptClientKey } = settings.vnc;
  const ca = target.caCert ?? (await textOf('vencrypt_ca_certs', vencryptCaCerts));
  const options = backendTlsOptions({ ...target, caCert: ca }, certifiedHost);
  const cert = await textOf('vencrypt_client_cert', vencryptClientCert);
  if (cert === null) return options;
  const key = await textOf('vencrypt_client_key', vencryptClientKey);
  try {
    const identity = key === null ? { cert } : { cert, key };
    const secureContext = tls.createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === null ? {} : { ca }),
      ...identity,
    });
    return { ...options, secureContext };
  } catch (error) {
    const { code = 'not PEM' } = error as NodeJS.ErrnoException;
    throw new BackendFailed(
      'tls_failed',
      `[vnc] vencrypt_client_cert and vencrypt_client_key are unusable (${code})`,
    );
  }
}

async function textOf(option: string, path: string): Promise<string | null> {
  if (path === '') return null;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new BackendFailed('tls_failed', `[vnc] ${option} cannot be read (${code})`);
  }
}
