// SPDX-License-Identifier: Apache-2.0
// One way to speak HTTP with OpenStack services: a deadline over the whole exchange, no redirects, a bound on the
// size of an answer, the CA that the operator names. Faults of axios never leave this file: they carry the request
// with its tokens and passwords, which would be leaked by logging or inspecting them.
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import axios, { type AxiosInstance, isAxiosError } from 'axios';
import { StartupError } from '../exception.js';
import { signalWithin } from '../net/deadline.js';
import { shownPath, unreadable } from '../option-file.js';
import { holdsCertificate } from '../tls/pem.js';
import { serverNameFault } from '../tls/server-name.js';
import { VERSION } from '../version.js';

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

/** One request. Header values and body may be secret. */
export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH' | 'HEAD';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Seconds; instead of the options' timeout. */
  readonly timeout?: number;
  /** Ends the request early. */
  readonly signal?: AbortSignal;
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
  private readonly axios: AxiosInstance;

  /** @throws StartupError when the CA file cannot be read, or holds no certificate */
  constructor(private readonly options: HttpOptions) {
    const ca = options.ca ?? readCa(options);
    const keepAlive = { keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: 8, timeout: 60_000 };
    this.axios = axios.create({
      adapter: 'http',
      httpAgent: new HttpAgent(keepAlive),
      httpsAgent: new HttpsAgent({
        ...keepAlive,
        rejectUnauthorized: options.insecure !== true,
        checkServerIdentity: serverNameFault,
        // Made once: an agent would read all certificates anew for every connection, a tenth of a second for those of the system.
        ...(ca === undefined ? {} : { secureContext: createSecureContext({ ca }) }),
      }),
      // Tokens travel here: never by way of a proxy that the environment happens to name.
      proxy: false,
      maxRedirects: 0,
      maxContentLength: options.maxBytes ?? MAX_BYTES,
      maxBodyLength: MAX_BYTES,
      responseType: 'arraybuffer',
      transformResponse: [],
      validateStatus: () => true,
      headers: { Accept: 'application/json', 'User-Agent': `kerbside/${VERSION}` },
    });
  }

  /** Sends a request. @throws HttpFault when there is no whole answer */
  async send(call: HttpCall): Promise<HttpAnswer> {
    const others = call.signal === undefined ? [] : [call.signal];
    const signal = signalWithin((call.timeout ?? this.options.timeout) * 1000, ...others);
    const retries = this.options.retries ?? 0;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.once(call, signal);
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

  private async once(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    const response = await this.axios.request<unknown>({
      method: call.method,
      url: call.url,
      headers: { ...call.headers },
      signal,
      ...(call.body === undefined ? {} : { data: call.body }),
    });
    const bytes = Buffer.isBuffer(response.data) ? response.data : Buffer.alloc(0);
    const headers = Object.entries(response.headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(', ') : String(value),
    ]);
    const named = Object.fromEntries(headers) as Record<string, string>;
    return new Answer(response.status, response.statusText, named, bytes);
  }
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
  if (!isAxiosError(error)) return '';
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return error.code ?? cause?.code ?? '';
}

/** Codes of Node's TLS (OpenSSL's X509_V_ERR_* without their beginning, and Node's own ERR_TLS_*). */
const TLS_CODES = /^(ERR_(TLS|SSL)_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;

/** What is wrong in the bytes that came: their number, HTTP itself, or how they are packed (zlib's and Brotli's codes). */
const BAD_ANSWER = /^(ERR_BAD_RESPONSE$|HPE_|Z_|ZSTD_|ERR__ERROR_FORMAT_)/;

/** The fault in words of ours alone: a message of axios may quote what was sent or what came back. */
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
