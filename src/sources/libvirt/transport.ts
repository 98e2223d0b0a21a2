// SPDX-License-Identifier: Apache-2.0
// The stream to a libvirt daemon: a unix socket of this host, TLS, or a unix socket of another host through ssh.
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { Unavailable } from '../../exception.js';
import type { SshHosts } from '../../ssh/ssh-host.js';
import { SshFault } from '../../ssh/ssh-fault.js';
import type { Way } from './endpoint.js';
import type { LibvirtLogin, TlsFiles } from './entry.js';

/** The daemon, or the way to it, refuses this login: trying again soon is of no use. */
export class LoginRefused extends Unavailable {}

/** Sockets of a monolithic libvirtd, and of a modular virtqemud. */
const SOCKETS = {
  full: ['/run/libvirt/libvirt-sock', '/run/libvirt/virtqemud-sock'],
  readOnly: ['/run/libvirt/libvirt-sock-ro', '/run/libvirt/virtqemud-sock-ro'],
} as const;
/** What a daemon says first when it lets a client of TLS in (virNetTLSSession, verify_client): until then nothing is sure. */
const WELCOME = 1;

/** Opens streams to one daemon. */
export class Transport {
  constructor(
    private readonly login: LibvirtLogin,
    private readonly hosts: SshHosts,
    /** Who is asked, for faults: as in `libvirt at kvm1.example.com`. */
    private readonly place: string,
  ) {}

  /**
   * A stream that carries messages.
   * @param readOnly by the socket for that, where there is one
   * @throws Unavailable, LoginRefused
   */
  async open(readOnly: boolean, signal: AbortSignal): Promise<Duplex> {
    const { way } = this.login.endpoint;
    if (way.kind === 'tls') return this.overTls(way, this.login.tls, signal);
    const paths = way.socket === null ? SOCKETS[readOnly ? 'readOnly' : 'full'] : [way.socket];
    let fault: unknown;
    for (const path of paths) {
      try {
        return await (way.kind === 'unix' ? this.toSocket(path, signal) : this.overSsh(path, signal));
      } catch (error) {
        fault ??= error;
        if (error instanceof SshFault && error.kind !== 'target') break;
      }
    }
    throw fault instanceof SshFault && (fault.kind === 'key' || fault.kind === 'login')
      ? new LoginRefused(fault.message)
      : fault;
  }

  private overSsh(path: string, signal: AbortSignal): Promise<Duplex> {
    const { ssh } = this.login;
    if (ssh === null) throw new Unavailable(`${this.place} is not reached by ssh`);
    return this.hosts.open(ssh, { path }, signal);
  }

  private toSocket(path: string, signal: AbortSignal): Promise<Duplex> {
    const socket = net.connect({ path });
    return this.ready(socket, 'connect', signal, (code) => {
      const remedy =
        code === 'EACCES' || code === 'EPERM'
          ? "make Kerbside's account a member of the group that may open it (unix_sock_group of libvirtd.conf, often libvirt)"
          : 'see whether the daemon runs, and name its socket by socket= in uri';
      return new Unavailable(`${this.place}: the socket ${path} cannot be opened (${code}); ${remedy}`);
    });
  }

  private async overTls(
    { host, port }: Extract<Way, { kind: 'tls' }>,
    files: TlsFiles,
    signal: AbortSignal,
  ): Promise<Duplex> {
    const [cert, key, ca] = await Promise.all([
      this.file('client_cert', files.cert),
      this.file('client_key', files.key),
      files.ca === null ? null : this.file('verify', files.ca),
    ]);
    let socket: tls.TLSSocket;
    try {
      socket = tls.connect({
        ...{ host, port, cert, key, minVersion: 'TLSv1.2' },
        ...(ca === null ? { rejectUnauthorized: false } : { ca }),
        ...(net.isIP(host) === 0 ? { servername: host } : {}),
      });
    } catch {
      throw new LoginRefused(
        `${this.place}: ${files.cert} and ${files.key} are no certificate with its key; give those of a client`,
      );
    }
    await this.ready(socket, 'secureConnect', signal, (code) => this.tlsFault(code));
    await this.welcome(socket, signal);
    return socket;
  }

  private tlsFault(code: string): Unavailable {
    const verification = /CERT|ISSUER|SIGNATURE|ALTNAME|SELF_SIGNED/.test(code);
    const remedy = verification
      ? 'give the CA of its certificate as verify, and use the name that the certificate has in uri'
      : 'see whether it runs and listens for TLS (virtproxyd or libvirtd --listen, port 16514)';
    return new Unavailable(`${this.place} cannot be reached by TLS (${code}); ${remedy}`);
  }

  /** A certificate is judged behind the handshake: a good one is answered with one byte, another one with the end. */
  private welcome(socket: tls.TLSSocket, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (fault: Unavailable | null): void => {
        socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onEnd);
        signal.removeEventListener('abort', onAbort);
        if (fault === null) {
          resolve();
          return;
        }
        socket.on('error', () => undefined).destroy();
        reject(fault);
      };
      const onReadable = (): void => {
        const byte = socket.read(1) as Buffer | null;
        if (byte === null) return;
        if (byte[0] === WELCOME) settle(null);
        else
          settle(
            new Unavailable(`${this.place} answered with something that is not libvirt; see the port in uri`),
          );
      };
      const onEnd = (): void =>
        settle(
          new LoginRefused(
            `${this.place} does not accept the client certificate ${this.login.tls.cert}; have its CA sign one, and allow its name (tls_allowed_dn_list)`,
          ),
        );
      const onAbort = (): void => settle(this.late());
      socket.on('readable', onReadable).once('end', onEnd).once('close', onEnd).once('error', onEnd);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  private ready(
    socket: net.Socket,
    event: 'connect' | 'secureConnect',
    signal: AbortSignal,
    fault: (code: string) => Unavailable,
  ): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const onAbort = (): void => {
        socket.destroy();
        settle(() => reject(this.late()));
      };
      // It stays: an error without a listener would end the process.
      socket.on('error', ({ code = 'no code' }: NodeJS.ErrnoException) => settle(() => reject(fault(code))));
      socket.once(event, () => settle(() => resolve(socket)));
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  private late(): Unavailable {
    return new Unavailable(`${this.place} did not answer in time; see whether it is overloaded or cut off`);
  }

  private async file(key: string, path: string): Promise<Buffer> {
    try {
      return await readFile(path);
    } catch (error) {
      const { code = 'no code' } = error as NodeJS.ErrnoException;
      throw new LoginRefused(
        `${this.place}: ${key} ${path} cannot be read (${code}); see that it exists and Kerbside's account may read it`,
      );
    }
  }
}
