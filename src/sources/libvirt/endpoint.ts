// SPDX-License-Identifier: Apache-2.0
// Where a libvirt daemon is: the URIs of libvirt (https://libvirt.org/uri.html) that Kerbside knows. Pure.
import { MAX_SOCKET_PATH_BYTES } from '../../objects/connect-info.js';

/** How a daemon is reached. */
export type Way =
  /** A unix socket of this host; no path: one of the usual ones. */
  | { readonly kind: 'unix'; readonly socket: string | null }
  | { readonly kind: 'tls'; readonly host: string; readonly port: number }
  /** A unix socket of another host, through ssh. */
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly port: number;
      readonly username: string;
      readonly socket: string | null;
    };

/** A daemon, and what is asked of it. */
export interface Endpoint {
  readonly way: Way;
  /** The driver that the daemon shall open. */
  readonly driver: 'qemu:///system' | 'qemu:///session';
  /** `mode=ro`: never more than a read-only connection, which gives no passwords. */
  readonly readOnly: boolean;
}

const TLS_PORT = 16_514;
const SSH_PORT = 22;
const SCHEME = /^qemu(?:\+(unix|tls|ssh))?:$/;
const USERNAME = /^[A-Za-z_][A-Za-z0-9_.@-]{0,254}$/;
const HOST = /^[0-9A-Za-z](?:[0-9A-Za-z.:_-]{0,253})$|^::[0-9A-Fa-f.:]{1,40}$/;

/** The daemon of a URI, or what is wrong with it and what to do. */
export function endpointOf(uri: string): Endpoint | string {
  if (!URL.canParse(uri)) return 'is not a URI; give one as qemu+ssh://kerbside@kvm1.example.com/system';
  const url = new URL(uri);
  const scheme = SCHEME.exec(url.protocol);
  if (scheme === null) return 'is not one of qemu, qemu+unix, qemu+tls or qemu+ssh';
  const driver =
    url.pathname === '/system' || url.pathname === '/session' ? (`qemu://${url.pathname}` as const) : null;
  if (driver === null) return 'ends in neither /system nor /session';
  const socket = url.searchParams.get('socket');
  const fault = faultOfQuery(url) ?? (socket === null ? null : faultOfSocket(socket));
  if (fault !== null) return fault;
  if (driver === 'qemu:///session' && scheme[1] !== 'tls' && socket === null)
    return 'leads to a session; say whose, by socket=/run/user/ID/libvirt/libvirt-sock';
  const way = wayOf(scheme[1] ?? (url.hostname === '' ? 'unix' : 'tls'), url, socket);
  return typeof way === 'string' ? way : { way, driver, readOnly: url.searchParams.has('mode') };
}

function faultOfQuery({ password, searchParams }: URL): string | null {
  if (password !== '') return 'holds a password; only keys open ssh (keyfile)';
  const unknown = [...searchParams.keys()].find((key) => key !== 'socket' && key !== 'mode');
  if (unknown !== undefined)
    return `has the parameter ${JSON.stringify(unknown.slice(0, 40))}; socket and mode are known, other things have keys of their own`;
  const mode = searchParams.get('mode') ?? 'ro';
  return mode === 'ro' ? null : 'has another mode than ro; give mode=ro or leave it out';
}

/** The host that a way leads to, as consoles show it. */
export function hostOf(way: Way): string {
  return way.kind === 'unix' ? 'localhost' : way.host;
}

/** What an operator does where a daemon wants a login by SASL on this way. */
export function withoutSasl(way: Way): string {
  const keys =
    way.kind === 'tls'
      ? 'auth_tls to "none": the client certificate says who asks (tls_allowed_dn_list)'
      : 'auth_unix_rw and auth_unix_ro to "polkit", or to "none" where unix_sock_group keeps others away';
  return `in its libvirtd.conf set ${keys}`;
}

function wayOf(transport: string, url: URL, socket: string | null): Way | string {
  const host = decodeURIComponent(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  if (transport === 'unix')
    return host === ''
      ? { kind: 'unix', socket }
      : 'names a host beside a unix socket of this host; leave one out';
  if (!HOST.test(host)) return 'names no host; give one as qemu+tls://kvm1.example.com/system';
  if (transport === 'tls') {
    if (socket !== null) return 'names a socket, which TLS has none of; leave it out';
    if (url.username !== '') return 'names a user, which TLS has none of; a client certificate says who asks';
    return { kind: 'tls', host, port: portOf(url, TLS_PORT) };
  }
  const username = decodeURIComponent(url.username);
  if (!USERNAME.test(username))
    return 'names no user of the host; give one as qemu+ssh://kerbside@kvm1.example.com/system';
  return { kind: 'ssh', host, port: portOf(url, SSH_PORT), username, socket };
}

function portOf({ port }: URL, usual: number): number {
  return port === '' ? usual : Number(port);
}

function faultOfSocket(path: string): string | null {
  if (!path.startsWith('/') || path.includes('\0'))
    return 'names a socket that is no absolute path; begin it with "/"';
  return Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES ? 'names a socket whose path is too long' : null;
}
