// SPDX-License-Identifier: Apache-2.0
// One way to speak HTTP with OpenStack services: a deadline over the whole exchange, no redirects, a bound on the
// size of an answer, the CA that the operator names. What sends the bytes is loaded by the first request.
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { StartupError } from '../exception.js';
import { signalWithin } from '../net/deadline.js';
import { shownPath, unreadable } from '../option-file.js';
import { holdsCertificate } from '../tls/pem.js';
import { serverNameFault } from '../tls/server-name.js';
import { type HttpCall, TransportFault } from './http-call.js';
import type { HttpTransport, TransportSettings } from './http-transport.js';

/** How a service is reached. */
export interface HttpOptions {
  /** A file with the certificates of the CAs that may sign the service's; empty or absent: those of Node. */
  readonly cafile?: string | undefined;
  /** What names the file, for faults: an option, or a key of sources.yaml. */
  readonly cafileFrom?: string | undefined;
  /** The same as text (PEM); wins over the file. */
  readonly ca?: string | undefined;
  /** True: any certificate will do. */
  readonly insecure?: boolean | undefined;
  /** Seconds for one request, from the connection to the last byte of the answer. */
  readonly timeout: number;
  /** How often a connection that cannot be made is tried again, within the timeout; 0 when absent. */
  readonly retries?: number | undefined;
  /** Bytes of an answer that are read at most; 4 MiB when absent. */
  readonly maxBytes?: number | undefined;
}

/** What came back, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** The phrase of the status line. */
  readonly reason: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as JSON; undefined when it is none. It is read when it is asked for. */
  readonly json: unknown;
  /** The body as UTF-8, decoded when it is asked for. */
  readonly text: string;
  /** The body as it came: two answers are compared by it at the least cost. */
  readonly bytes: Buffer;
}

/** Why there is no answer. `reason` names no secret. */
export class HttpFault extends Error {
  constructor(
    readonly kind: 'unreachable' | 'timeout' | 'tls' | 'answer',
    readonly reason: string,
  ) {
    super(reason);
    this.name = new.target.name;
  }
}

const MAX_BYTES = 4 * 1024 * 1024;
/** Sockets that one client opens to one server at most. */
const MAX_SOCKETS = 64;
/** Seconds before the first new attempt; doubled for each further one (as keystoneauth does). */
const RETRY_DELAY = 0.5;

/** No connection was made, so nothing can have happened at the other end: safe to try again. */
const NO_CONNECTION = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ENOTFOUND'];
/** A connection that the server had closed already when it was used again. */
const STALE = ['ECONNRESET', 'EPIPE'];
const TOO_LONG = ['ECONNABORTED', 'ETIMEDOUT', 'ERR_CANCELED'];

/** A client for one service. */
export class HttpClient {
  private readonly settings: TransportSettings;
  private transport: Promise<HttpTransport> | undefined;

  /** @throws StartupError when the CA file cannot be read, or holds no certificate */
  constructor(private readonly options: HttpOptions) {
    const ca = options.ca ?? readCa(options);
    const keepAlive = { keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: 8, timeout: 60_000 };
    this.settings = {
      httpAgent: new HttpAgent(keepAlive),
      httpsAgent: new HttpsAgent({
        ...keepAlive,
        rejectUnauthorized: options.insecure !== true,
        checkServerIdentity: serverNameFault,
        // Made once: an agent would read all certificates anew for every connection, a tenth of a second for those of the system.
        ...(ca === undefined ? {} : { secureContext: createSecureContext({ ca }) }),
      }),
      maxAnswer: options.maxBytes ?? MAX_BYTES,
      maxBody: MAX_BYTES,
    };
  }

  /** Sends a request. @throws HttpFault when there is no whole answer */
  async send(call: HttpCall): Promise<HttpAnswer> {
    const others = call.signal === undefined ? [] : [call.signal];
    // Before the deadline begins: loading it is no fault of the service.
    const transport = await (this.transport ??= loadTransport(this.settings));
    const signal = signalWithin((call.timeout ?? this.options.timeout) * 1000, ...others);
    const retries = this.options.retries ?? 0;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { status, reason, headers, bytes } = await transport.request(call, signal);
        return new Answer(status, reason, headers, bytes);
      } catch (error) {
        const code = codeOf(error);
        const again =
          !ended(signal) &&
          ((attempt < retries && NO_CONNECTION.includes(code)) ||
            (attempt === 0 && call.method === 'GET' && STALE.includes(code)));
        if (!again) throw translate(error, signal);
        const wait = STALE.includes(code) ? 0 : RETRY_DELAY * 2 ** attempt;
        await sleep(wait * 1000, undefined, { signal }).catch(() => undefined);
        if (ended(signal)) throw translate(error, undefined);
      }
    }
  }
}

/** Most processes of most sites make no request, and this is a good part of what they would load. */
async function loadTransport(settings: TransportSettings): Promise<HttpTransport> {
  const { HttpTransport } = await import('./http-transport.js');
  return new HttpTransport(settings);
}

class Answer implements HttpAnswer {
  private read: { readonly json: unknown } | undefined;
  private decoded: string | undefined;

  constructor(
    readonly status: number,
    readonly reason: string,
    readonly headers: Readonly<Record<string, string>>,
    readonly bytes: Buffer,
  ) {}

  get text(): string {
    // Without the mark that some write before UTF-8 (U+FEFF).
    this.decoded ??= this.bytes.toString('utf8').replace(/^\uFEFF/, '');
    return this.decoded;
  }

  get json(): unknown {
    this.read ??= { json: parsed(this.text) };
    return this.read.json;
  }
}

/** Whether it has ended by now; the compiler would remember the answer of a moment ago. */
function ended(signal: AbortSignal): boolean {
  return signal.aborted;
}

function readCa({ cafile, cafileFrom = 'CA file' }: HttpOptions): string | undefined {
  if (cafile === undefined || cafile === '') return undefined;
  let text: string;
  try {
    text = readFileSync(cafile, 'utf8');
  } catch (error) {
    const { fault, remedy } = unreadable(cafile, error);
    throw new StartupError(`${cafileFrom}: ${fault}; ${remedy}`);
  }
  if (holdsCertificate(text)) return text;
  throw new StartupError(
    `${cafileFrom}: the file ${shownPath(cafile)} holds no PEM certificate; name the file of the CA of the service`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return error instanceof TransportFault ? error.code : '';
}

/** Codes of Node's TLS (OpenSSL's X509_V_ERR_* without their beginning, and Node's own ERR_TLS_*). */
const TLS_CODES = /^(ERR_(TLS|SSL)_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;

/** What is wrong in the bytes that came: their number, HTTP itself, or how they are packed (zlib's and Brotli's codes). */
const BAD_ANSWER = /^(ERR_BAD_RESPONSE$|HPE_|Z_|ZSTD_|ERR__ERROR_FORMAT_)/;

function translate(error: unknown, signal: AbortSignal | undefined): HttpFault {
  const code = codeOf(error);
  if (signal?.aborted === true || TOO_LONG.includes(code)) {
    return new HttpFault('timeout', 'it did not answer in time');
  }
  if (TLS_CODES.test(code)) return new HttpFault('tls', `its certificate or its TLS is refused (${code})`);
  if (BAD_ANSWER.test(code)) {
    return new HttpFault('answer', 'its answer is too large, cut short or no HTTP');
  }
  if (code === 'ERR_INVALID_URL' || code === 'ERR_BAD_OPTION' || code === 'ERR_BAD_REQUEST') {
    return new HttpFault('answer', 'its URL is not one that can be asked');
  }
  return new HttpFault('unreachable', `the connection failed (${code === '' ? 'unknown fault' : code})`);
}
