// SPDX-License-Identifier: Apache-2.0
// Requests to the API of a platform that is no OpenStack. What is no answer of the platform becomes `Unavailable`, with the
// platform's address and what to do; every other answer is the driver's to read.
import { Unavailable } from '../exception.js';
import type { HttpCall } from '../identity/http-call.js';
import { HttpClient, HttpFault, type HttpAnswer, type HttpOptions } from '../identity/http-client.js';

/** Which platform is asked. */
export interface PlatformApiOptions {
  /** As people call it. */
  readonly platform: string;
  /** Without a slash at its end. */
  readonly url: string;
  readonly http: Pick<HttpOptions, 'ca' | 'insecure' | 'cafile' | 'cafileFrom'>;
  /** Seconds for one request, but for those that bring a time of their own. */
  readonly timeout: number;
}

/** A request below the URL of the platform. */
export type PlatformCall = Omit<HttpCall, 'url'> & { readonly path: string };

/** Listings of thousands of guests with all their parts; more is not read. */
const MAX_BYTES = 64 * 1024 * 1024;
const LONGEST_SHOWN = 200;

const REMEDIES: Readonly<Record<HttpFault['kind'], string>> = {
  unreachable: 'see whether it runs, and whether url is right',
  timeout: 'see whether it is overloaded or cut off',
  tls: 'give its CA in ca_cert or the file of it in verify, and use the name that its certificate has in url',
  answer: 'see whether url is right',
};

/** The API of one platform. */
export class PlatformApi {
  private readonly client: HttpClient;
  private readonly url: string;
  /** Who is asked, for messages: as in `oVirt at engine.example.org`. */
  readonly place: string;

  /** @throws StartupError when the CA file cannot be read */
  constructor({ platform, url, http, timeout }: PlatformApiOptions) {
    this.client = new HttpClient({ ...http, timeout, maxBytes: MAX_BYTES });
    this.url = url;
    this.place = `${platform} at ${new URL(url).host}`;
  }

  /**
   * Sends a request.
   * @throws Unavailable when there is no answer, or one that the platform does not give: a redirect, 502 to 504
   */
  async send({ path, ...call }: PlatformCall): Promise<HttpAnswer> {
    let answer: HttpAnswer;
    try {
      answer = await this.client.send({ ...call, url: `${this.url}${path}` });
    } catch (error) {
      if (!(error instanceof HttpFault)) throw error;
      throw new Unavailable(`${this.place}: ${error.reason}; ${REMEDIES[error.kind]}`);
    }
    const { status } = answer;
    if (status >= 300 && status < 400) {
      const target = answer.headers['location'];
      throw this.fault(`redirects to ${shownUrl(target)}, and is not followed; give its own address as url`);
    }
    if (status >= 502 && status <= 504)
      throw this.fault(`answered ${String(status)}; see whether the service behind its balancer runs`);
    return answer;
  }

  /** A fault of the platform, which begins with its name and address. */
  fault(text: string): Unavailable {
    return new Unavailable(`${this.place} ${text}`);
  }
}

/** One line of text of a platform, short, without control characters and what turns the direction of the text after it. */
export function shownText(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s\u202A-\u202E\u2066-\u2069]+/gu, ' ')
    .trim()
    .slice(0, LONGEST_SHOWN);
}

/** Where a redirect leads, without what may be secret in it. */
function shownUrl(target: string | undefined): string {
  if (target === undefined || !URL.canParse(target)) return 'another place';
  const { origin, pathname } = new URL(target);
  return shownText(origin + pathname);
}
