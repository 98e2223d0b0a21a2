// SPDX-License-Identifier: Apache-2.0
// Where and how a console's server is reached. Made at connect time, held in memory only.

/** Everything that dialling a console's server takes. `ticket` is a secret. */
export interface ConnectInfo {
  hypervisor: string;
  /** Address that is dialled when it is not empty; else `hypervisor` is. IPv4 or IPv6. */
  hypervisorIp: string;
  insecurePort: number | null;
  securePort: number | null;
  /** Password of the backend; may be empty. */
  ticket: string;
  /** PEM of the source's CA; null = the system's roots. */
  caCert: string | null;
  /** Pin of the certificate's subject, in spice-common's form; null = host name check. */
  hostSubject: string | null;
  /** Overrides `[proxy] backend_transport` for this console. */
  transport?: 'plain' | 'tls';
  /** Absent: it speaks SPICE. */
  protocol?: 'vnc';
  /** How a stream to it begins; absent: by a TCP connection to its port. */
  route?: ConsoleRoute;
}

/** A way to a console that is no TCP connection to its port. */
export type ConsoleRoute =
  /** An HTTP proxy is asked to connect (CONNECT, RFC 9110 section 9.3.6). */
  | {
      readonly kind: 'connect_proxy';
      readonly host: string;
      readonly port: number;
      /** The host that the proxy is asked for, where it is not the hypervisor's; a secret where it is a ticket. */
      readonly asksFor?: string;
    }
  /** A unix socket of this host. */
  | { readonly kind: 'unix_socket'; readonly path: string }
  /** Through ssh to the hypervisor, and from there to a unix socket, or to the console's port. */
  | {
      readonly kind: 'ssh';
      readonly login: SshLoginNames;
      /** The unix socket on the hypervisor; absent: it has ports. */
      readonly path?: string;
      /** The address of the ports as the hypervisor sees it; absent: that of the console. */
      readonly address?: string;
    }
  | WebSocketWay;

/** By a WebSocket (RFC 6455) whose binary messages are the stream. Made at connect time, as `bearer` is a secret. */
export interface WebSocketWay {
  readonly kind: 'websocket';
  /** Of ws or wss; names no secret. */
  readonly url: string;
  /** The only one that is offered, and must be chosen. */
  readonly subprotocol: string;
  /** Secret: the token that opens it. */
  readonly bearer: string;
  /** PEM of the CAs of its server; null: those of Node. */
  readonly ca: string | null;
  /** Any certificate will do. */
  readonly insecure: boolean;
}

/** Who logs in over ssh. No secret: the private key is named by its file on the nodes that carry desktops. */
export interface SshLoginNames {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly keyfile: string;
  readonly knownHosts: string;
}

/** Most bytes of the path of a unix socket (sun_path of unix(7), with its zero). */
export const MAX_SOCKET_PATH_BYTES = 107;

const PROXY_PORT = 80;

/** The URL of a proxy. */
export function connectProxyUrl({
  host,
  port,
}: Pick<Extract<ConsoleRoute, { kind: 'connect_proxy' }>, 'host' | 'port'>): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}

/** The proxy of an URL such as `http://proxy.example.com:3128`; null: it names none, or more than host and port. */
export function connectProxyOf(text: string): Extract<ConsoleRoute, { kind: 'connect_proxy' }> | null {
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) return null;
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(text);
  const extras = [search, hash, username, password].join('');
  if (protocol !== 'http:' || hostname === '' || pathname !== '/' || extras !== '') return null;
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return { kind: 'connect_proxy', host, port: port === '' ? PROXY_PORT : Number(port) };
}
