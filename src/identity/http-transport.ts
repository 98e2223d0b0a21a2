// SPDX-License-Identifier: Apache-2.0
// Sends one request of an HttpClient: the only importer of axios. Its faults never leave this file: they carry the request with its
// tokens and passwords, which would be leaked by logging or inspecting them, and their messages may quote what was sent or what
// came back.
import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import axios, { type AxiosInstance, isAxiosError } from 'axios';
import { VERSION } from '../version.js';
import { type HttpCall, TransportFault } from './http-call.js';

/** What is the same for all requests of a client. */
export interface TransportSettings {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
  /** Bytes of an answer that are read at most. */
  readonly maxAnswer: number;
  /** Bytes of a body that are sent at most. */
  readonly maxBody: number;
}

/** What came back, whatever its status; names of headers are in lower case. */
export interface RawAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/** The way to the network of one client. */
export class HttpTransport {
  private readonly axios: AxiosInstance;

  constructor({ httpAgent, httpsAgent, maxAnswer, maxBody }: TransportSettings) {
    this.axios = axios.create({
      adapter: 'http',
      httpAgent,
      httpsAgent,
      // Tokens travel here: never by way of a proxy that the environment happens to name.
      proxy: false,
      maxRedirects: 0,
      maxContentLength: maxAnswer,
      maxBodyLength: maxBody,
      responseType: 'arraybuffer',
      transformResponse: [],
      validateStatus: () => true,
      headers: { Accept: 'application/json', 'User-Agent': `kerbside/${VERSION}` },
    });
  }

  /** Sends a request once. @throws TransportFault when there is no whole answer */
  async request(call: HttpCall, signal: AbortSignal): Promise<RawAnswer> {
    try {
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
      return { status: response.status, reason: response.statusText, headers: named, bytes };
    } catch (error) {
      throw new TransportFault(codeOf(error));
    }
  }
}

function codeOf(error: unknown): string {
  if (!isAxiosError(error)) return '';
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  return error.code ?? cause?.code ?? '';
}
