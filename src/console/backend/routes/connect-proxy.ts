// SPDX-License-Identifier: Apache-2.0
// Through an HTTP proxy: CONNECT (RFC 9110 section 9.3.6), and what follows its head is the backend's. Answers that
// are not 2xx end the attempt by their status; no redirect is followed, no login is tried. A proxy may end a refusal
// anywhere, even behind the status line without a line end (as one node of Proxmox does for another).
import { isIPv6 } from 'node:net';
import { VERSION } from '../../../version.js';
import { BackendFailed, type BackendFailureReason } from '../../connection/ends.js';
import type { BackendRoute, BackendTarget } from '../../ipc.js';
import { addressOf, type Attempt } from '../attempt.js';
import type { Exchange } from '../exchange.js';
import { backendFault } from '../fault.js';
import type { Route } from '../route.js';

/** Most bytes of the proxy's answer up to the empty line behind its headers. */
export const MAX_HEAD_BYTES = 16_384;

const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: [^\r\n]*)?\r?(?:\n|$)/;
/** What an answer begins with, as far as it has come. */
const BEGINNING = 'HTTP/1.';
/** Bytes that a host may have in a request: no space and no line end. */
const SAYABLE = /^[\x21-\x7e]{1,1024}$/;

type ConnectProxy = Extract<BackendRoute, { kind: 'connect_proxy' }>;

/** @throws BackendFailed `no_address` */
export function connectProxyRoute(proxy: ConnectProxy, target: BackendTarget, attempt: Attempt): Route {
  const { host, port } = addressOf(target, attempt);
  const wanted = proxy.asksFor ?? host;
  if (!SAYABLE.test(wanted))
    throw new BackendFailed('no_address', 'the console has a host that no proxy can be asked for');
  return {
    dialled: { host: proxy.host, port: proxy.port },
    certifiedHost: host,
    shown: { address: host, port, connect_proxy: `${bracketed(proxy.host)}:${proxy.port}` },
    prelude: new ConnectRequest(`${bracketed(wanted)}:${port}`),
  };
}

/** The request to a proxy, and its answer. */
export class ConnectRequest implements Exchange<Buffer> {
  private head = Buffer.alloc(0);

  /** @param authority host and port to connect to */
  constructor(private readonly authority: string) {}

  begin(write: (bytes: Buffer) => void): void {
    const { authority } = this;
    write(
      Buffer.from(
        `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nUser-Agent: kerbside/${VERSION}\r\n\r\n`,
        'latin1',
      ),
    );
  }

  /** @throws BackendFailed `proxy_refused`, `protocol` */
  push(chunk: Buffer): Buffer | null {
    this.head = Buffer.concat([this.head, chunk]);
    const text = this.head.toString('latin1', 0, MAX_HEAD_BYTES);
    if (!text.startsWith(BEGINNING.slice(0, text.length))) throw unreadable();
    const line = text.indexOf('\n');
    if (line < 0) {
      if (text.length >= MAX_HEAD_BYTES) throw endless();
      return null;
    }
    judge(text);
    const end = /\r?\n\r?\n/.exec(text);
    if (end !== null) return this.head.subarray(end.index + end[0].length);
    if (this.head.length >= MAX_HEAD_BYTES) throw endless();
    return null;
  }

  ended(): BackendFailed {
    const text = this.head.toString('latin1', 0, MAX_HEAD_BYTES);
    try {
      if (text !== '') judge(text);
    } catch (error) {
      if (error instanceof BackendFailed) return error;
    }
    return text === ''
      ? new BackendFailed('reset', 'the connect proxy closed the connection without an answer')
      : new BackendFailed('reset', 'the connect proxy closed the connection within its answer');
  }

  late(): BackendFailed {
    return new BackendFailed('timed_out', 'the connect proxy did not answer in time');
  }

  failed(error: NodeJS.ErrnoException): BackendFailed {
    const { reason, detail } = backendFault(error);
    return new BackendFailed(reason, `connect proxy: ${OF_ITS_NAME[reason] ?? detail}`);
  }
}

const OF_ITS_NAME: Readonly<Partial<Record<BackendFailureReason, string>>> = {
  name_unknown: 'its name does not resolve',
};

/** Throws unless the answer is a success. */
function judge(text: string): void {
  const [, status] = STATUS_LINE.exec(text) ?? [];
  if (status === undefined) throw unreadable();
  if (status.startsWith('2')) return;
  throw BackendFailed.byProxy(Number(status));
}

function unreadable(): BackendFailed {
  return new BackendFailed('protocol', 'the connect proxy did not answer with HTTP');
}

function endless(): BackendFailed {
  return new BackendFailed('protocol', `the connect proxy sent more than ${MAX_HEAD_BYTES} bytes of headers`);
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
