// SPDX-License-Identifier: Apache-2.0
// The leg from here to the SPICE TLS port of kerbside-proxy: verified as every client verifies it, and with the
// browser's address in a PROXY protocol header where that port wants one.
import { X509Certificate } from 'node:crypto';
import net, { type Socket } from 'node:net';
import tls, { type PeerCertificate, type SecureContext, type TLSSocket } from 'node:tls';
import type { CaCertificate } from '../tls/ca-certificate.js';
import { pinOf, subjectMatches } from '../tls/host-subject.js';
import { spiceServerNameFault } from '../tls/server-name.js';
import { KerbsideException } from '../exception.js';
import { loggerFor } from '../log.js';
import { plainAddress } from '../net/address.js';
import { probeWhenIdle } from '../net/idle-probes.js';
import type { NetworkList } from '../net/network-list.js';
import { encodeProxyHeader, type Endpoint } from '../net/proxy-protocol/encoder.js';

const log = loggerFor('kerbside.html5proxy.proxy-leg');

/** kerbside-proxy could not be reached, or is not the one that it should be. */
export class ProxyUnreachable extends KerbsideException {
  /**
   * @param late it did not answer in time
   * @param refused it did answer, with a certificate that is not to be trusted
   */
  constructor(
    message: string,
    readonly late: boolean,
    readonly refused: boolean,
  ) {
    super(message);
  }
}

/** Where kerbside-proxy is, and how it is verified. */
export interface ProxyLegOptions {
  readonly host: string;
  readonly port: number;
  readonly ca: CaCertificate;
  /** `[spice] host_subject`; '': the certificate must name `serverName`. */
  readonly hostSubject: string;
  readonly serverName: string;
  /** Seconds, TLS included. */
  readonly timeout: number;
  /** `[proxy] proxy_protocol_from`: whose connections must start with a header. */
  readonly headerFrom: NetworkList;
}

/** A connection to kerbside-proxy. */
export interface DialledLeg {
  readonly stream: TLSSocket;
  /** Cuts it by a reset: any other end says that the browser is done with the channel. */
  reset(): void;
}

/** Dials kerbside-proxy. */
export class ProxyLeg {
  private context: { ca: string | undefined; made: SecureContext } | null = null;
  private warned = false;

  constructor(private readonly options: ProxyLegOptions) {}

  /**
   * A connection for a browser; not read from yet.
   *
   * @param site the end that the browser speaks to
   * @param signal fires when the browser has gone
   * @throws ProxyUnreachable
   */
  async dial(browser: Endpoint, site: Endpoint, signal: AbortSignal): Promise<DialledLeg> {
    const { host, port, timeout } = this.options;
    const secureContext = await this.secureContext();
    const plain = net.connect({ host, port, noDelay: true });
    probeWhenIdle(plain);
    return new Promise<DialledLeg>((resolve, reject) => {
      let secured: TLSSocket | undefined;
      const settle = (end: () => void): void => {
        clearTimeout(deadline);
        signal.removeEventListener('abort', onAbort);
        end();
      };
      const fail = (text: string, late = false): void =>
        settle(() => {
          secured?.destroy();
          plain.destroy();
          const refused = secured !== undefined && isRefused(secured);
          const whose = refused ? 'its certificate is refused: ' : '';
          reject(new ProxyUnreachable(`${whose}${text} (${host} port ${port})`, late, refused));
        });
      const onAbort = (): void => fail('the browser has gone');
      const onError = (error: NodeJS.ErrnoException): void => fail(faultOf(error));
      const deadline = setTimeout(() => fail(`no answer within ${timeout} s`, true), timeout * 1000);
      signal.addEventListener('abort', onAbort, { once: true });
      plain.on('error', onError);
      plain.once('connect', () => {
        this.sendHeader(plain, browser, site);
        secured = this.secure(plain, secureContext);
        secured.on('error', onError);
        secured.once('secureConnect', () => {
          const stream = secured;
          if (stream !== undefined) settle(() => resolve({ stream, reset: () => plain.resetAndDestroy() }));
        });
      });
      if (signal.aborted) onAbort();
    });
  }

  private secure(socket: Socket, secureContext: SecureContext): TLSSocket {
    const { hostSubject, serverName } = this.options;
    return tls.connect({
      ...{ socket, secureContext, rejectUnauthorized: true },
      servername: net.isIP(serverName) === 0 ? serverName : '',
      checkServerIdentity: (_name, certificate) =>
        hostSubject === ''
          ? spiceServerNameFault(serverName, certificate)
          : subjectFault(hostSubject, certificate),
    });
  }

  /** Only where the port expects it: any other would reject the header as invalid TLS. */
  private sendHeader(socket: Socket, browser: Endpoint, site: Endpoint): void {
    const own = plainAddress(socket.localAddress);
    if (this.options.headerFrom.has(own)) {
      socket.write(encodeProxyHeader(browser, site));
      return;
    }
    if (this.warned) return;
    this.warned = true;
    log.warning(
      'browsers count as this node in limits, sessions and audit; name its address in [proxy] proxy_protocol_from',
      { address: own },
    );
  }

  /** Made again when the CA has changed. */
  private async secureContext(): Promise<SecureContext> {
    const ca = await this.options.ca.pem();
    if (this.context === null || this.context.ca !== ca) {
      const made = tls.createSecureContext({ minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) });
      this.context = { ca, made };
    }
    return this.context.made;
  }
}

function subjectFault(hostSubject: string, certificate: PeerCertificate): Error | undefined {
  const parsed = new X509Certificate(certificate.raw);
  if (subjectMatches(hostSubject, parsed)) return undefined;
  const actual = pinOf(parsed.subject);
  return new Error(`its subject is "${actual}", and [spice] host_subject is "${hostSubject}"`);
}

/** Whether it was the certificate that ended a connection; the types do not know that this is null until then. */
function isRefused({ authorizationError }: TLSSocket): boolean {
  return ((authorizationError as Error | string | null | undefined) ?? null) !== null;
}

/** TLS that is cut before its handshake is over: mostly a port that wants a PROXY protocol header, or wants none. */
function faultOf(error: NodeJS.ErrnoException): string {
  const { code = '', message } = error;
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ECONNRESET')
    return 'connection cut before TLS was up; does its [proxy] proxy_protocol_from agree with the one here?';
  return message;
}
