// SPDX-License-Identifier: Apache-2.0
// By a WebSocket (RFC 6455) to a platform that carries the console in its binary messages, opened with a bearer token. What is
// no such answer ends the attempt: another status, another subprotocol, text, messages without end. No redirect is followed.
import type { IncomingMessage } from 'node:http';
import { connect as netConnect, isIP, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { createWebSocketStream, WebSocket, type ClientOptions } from 'ws';
import { probeWhenIdle } from '../../../net/idle-probes.js';
import { serverNameFault } from '../../../tls/server-name.js';
import { VERSION } from '../../../version.js';
import { BackendFailed, type BackendFailureReason } from '../../connection/ends.js';
import type { LegStream } from '../../connection/leg-stream.js';
import type { WebSocketRoute } from '../../ipc.js';
import { backendFault } from '../fault.js';
import type { StreamRoute } from '../route.js';
import { trustIn } from '../tls.js';

/** Bytes of one message; platforms send what they read at once, some ten thousand. */
const MAX_MESSAGE = 1_048_576;
/** Bytes of a refusal's body that are read, and characters of it that are shown. */
const MAX_BODY = 8192;
const LONGEST_SHOWN = 200;
const HTTP_PORT = 80;
const HTTPS_PORT = 443;
/** The code of a message that is text. */
const TEXT_MESSAGE = 'ERR_KERBSIDE_TEXT_MESSAGE';

const REFUSALS: Readonly<Record<number, readonly [BackendFailureReason, string]>> = {
  // Another token is read, and tried, where this one has run out.
  401: ['wrong_ticket', 'the token is not accepted'],
  403: ['link_refused', 'the token may not open the console'],
  404: ['link_refused', 'there is no such console'],
};

/** The way by a WebSocket. */
export function webSocketRoute(way: WebSocketRoute): StreamRoute {
  const { protocol, hostname, host, pathname } = new URL(way.url);
  return {
    certifiedHost: hostname.replace(/^\[(.*)\]$/, '$1'),
    shown: { address: host, path: pathname },
    secure: protocol === 'wss:',
    fault: faultOf,
    open: (signal) => open(way, signal),
  };
}

// Async, so that a CA that is unusable is a rejection, too.
async function open(way: WebSocketRoute, signal: AbortSignal): Promise<LegStream> {
  const socket = new WebSocket(way.url, [way.subprotocol], optionsOf(way));
  return await new Promise<LegStream>((resolve, reject) => {
    const fail = (fault: Error): void => {
      reject(fault);
      socket.terminate();
    };
    signal.addEventListener('abort', () => fail(new BackendFailed('reset', 'given up')), { once: true });
    // More than one may come: giving up is an error, too.
    socket.on('error', (error) => reject(notOpened(error)));
    socket.once('upgrade', ({ socket: below }: IncomingMessage) => probeWhenIdle(below));
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      void refusal(response).then(fail);
    });
    // At once: what the server sends next is heard by the stream alone.
    socket.once('open', () => resolve(streamOf(socket)));
  });
}

function optionsOf(way: WebSocketRoute): ClientOptions {
  return {
    headers: { Authorization: `Bearer ${way.bearer}`, 'User-Agent': `kerbside/${VERSION}` },
    // Pictures are compressed already; and nothing is unpacked before its size is known.
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE,
    followRedirects: false,
    skipUTF8Validation: true,
    createConnection: () => connect(way),
  };
}

/** The connection below: TCP, or TLS by the rules of the platform's API. */
function connect({ url, ca, insecure }: WebSocketRoute): Socket {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (protocol !== 'wss:') return netConnect({ host, port: Number(port || HTTP_PORT), noDelay: true });
  return tlsConnect({
    ...{ host, port: Number(port || HTTPS_PORT), noDelay: true },
    servername: isIP(host) === 0 ? host : '',
    secureContext: trustIn(ca),
    rejectUnauthorized: !insecure,
    checkServerIdentity: (_name, certificate) => serverNameFault(host, certificate),
  });
}

/** The stream of a socket that is open; text ends it. */
function streamOf(socket: WebSocket): LegStream {
  let stream: LegStream | null = null;
  // Before the listener of the stream, which would take text for bytes.
  socket.on('message', (_data, isBinary) => {
    if (!isBinary) stream?.destroy(Object.assign(new Error('a message of text'), { code: TEXT_MESSAGE }));
  });
  const duplex = createWebSocketStream(socket);
  // Whoever reads it hears of its end; without a listener before that, an error would end the process.
  duplex.on('error', () => undefined);
  stream = Object.assign(duplex, {
    destroySoon: (): void => {
      duplex.end();
    },
  });
  return stream;
}

/** What an answer that opens no WebSocket says. */
async function refusal(response: IncomingMessage): Promise<BackendFailed> {
  const { statusCode = 0 } = response;
  const said = await messageOf(response);
  const [reason, words] = REFUSALS[statusCode] ?? ['link_refused', 'the WebSocket was refused'];
  return new BackendFailed(reason, `${words} (HTTP ${String(statusCode)})${said === '' ? '' : `: ${said}`}`);
}

/** The message of a Kubernetes Status, or the text that it is in place of one; '': none that is worth showing. */
async function messageOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= MAX_BODY) break;
    }
  } catch {
    // Cut within: what came is shown.
  }
  const text = Buffer.concat(chunks).toString('utf8', 0, MAX_BODY);
  if (/^\s*</.test(text)) return 'a page of HTML';
  return oneLine(statusMessage(text) ?? text);
}

function statusMessage(text: string): string | null {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : null;
  } catch {
    return null;
  }
}

function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, LONGEST_SHOWN);
}

/** What kept a WebSocket from opening. Messages without a code are of ws itself, and quote nothing of the server. */
function notOpened(error: NodeJS.ErrnoException): BackendFailed {
  const { code, message } = error;
  if (code === undefined) return new BackendFailed('protocol', `no WebSocket: ${message}`);
  if (code.startsWith('HPE_')) return new BackendFailed('protocol', 'the server did not answer with HTTP');
  return faultOf(error) ?? backendFault(error);
}

function faultOf({ code = '' }: NodeJS.ErrnoException): BackendFailed | null {
  if (code === TEXT_MESSAGE)
    return new BackendFailed('protocol', 'the WebSocket carries text where the console has bytes');
  if (code.startsWith('WS_ERR_')) return new BackendFailed('protocol', `the WebSocket is broken (${code})`);
  return null;
}
