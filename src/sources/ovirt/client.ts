// SPDX-License-Identifier: Apache-2.0
// The client of one oVirt engine: logs in, lists, makes tickets. It gives JSON as it came, which inventory.ts reads; but for pages of
// guests, which are read here when they are others than the time before.
import type { Unavailable } from '../../exception.js';
import type { HttpAnswer } from '../../identity/http-client.js';
import type { ApiLogin } from '../api-entry.js';
import { listOf, objectOf, textOf, type JsonObject } from '../json.js';
import { PlatformApi, shownText, type PlatformCall } from '../platform-api.js';
import { PlatformSession, REFUSAL_MS, type Login } from '../platform-session.js';
import { ReadAnswers } from '../read-answers.js';
import { readGuests, type Guests } from './inventory.js';
import { readTicket, type Ticket } from './ticket.js';

/** How a client behaves. */
export interface ClientOptions {
  /** Seconds for one request. */
  readonly timeout: number;
  /** Milliseconds of a clock that is never set; tests replace it. */
  readonly now?: (() => number) | undefined;
}

/** The engine does not make a ticket now; the message is for the operator. */
export type TicketRefusal = { readonly kind: 'refused'; readonly why: string };

/** One page of a listing. */
interface GuestPage {
  readonly guests: Guests;
  /** Entries, whatever they are. */
  readonly size: number;
}

/** The id of a guest's SPICE console: the protocol's name, in hex. */
const SPICE_CONSOLE = '7370696365';
const SCOPE = 'ovirt-app-api';
/** Guests on one page of a listing. */
export const PAGE_SIZE = 500;
const MOST_PAGES = 200;
const HEADERS = { Version: '4', Accept: 'application/json' };
const FORM = 'application/x-www-form-urlencoded';
const REFUSED_LOGIN = [400, 401, 403];

/** One engine. */
export class OvirtClient {
  private readonly api: PlatformApi;
  private readonly now: () => number;
  private readonly session: PlatformSession;
  private readonly pages = new ReadAnswers<GuestPage>();

  /** @throws StartupError when the CA file cannot be read */
  constructor(
    private readonly login: ApiLogin,
    { timeout, now = () => performance.now() }: ClientOptions,
  ) {
    const { url, http } = login;
    this.api = new PlatformApi({ platform: 'oVirt', url, http, timeout });
    this.now = now;
    this.session = new PlatformSession(this.api, () => this.authenticate(), now);
  }

  /** A fault of the engine, which begins with its address. */
  fault(text: string): Unavailable {
    return this.api.fault(text);
  }

  /**
   * All guests that are up, page by page; a page that has not changed is the same object as the time before. A guest that stops
   * meanwhile moves another one past the border of two pages: what is missing is not known to be gone.
   * @param timeout seconds for one page
   * @throws Unavailable
   */
  async guestsUp(timeout: number, signal: AbortSignal): Promise<readonly Guests[]> {
    const found: Guests[] = [];
    this.pages.begin();
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      const query = new URLSearchParams({ search: `status=up page ${String(page)}`, max: String(PAGE_SIZE) });
      const path = `/api/vms?${query.toString().replaceAll('+', '%20')}`;
      const { guests, size } = this.page(await this.call({ method: 'GET', path, timeout }, signal));
      found.push(guests);
      if (size < PAGE_SIZE) return found;
    }
    throw this.fault(`lists more than ${String(PAGE_SIZE * MOST_PAGES)} guests; give the user fewer of them`);
  }

  /** One guest; null when the user sees none of this id. @throws Unavailable */
  async guest(id: string, signal: AbortSignal): Promise<unknown> {
    const answer = await this.call({ method: 'GET', path: `/api/vms/${encodeURIComponent(id)}` }, signal);
    // An unknown id has no body; a page is of a server that has no API at this path.
    if (answer.status === 404 && (answer.text === '' || faultOf(answer) !== null)) return null;
    return this.json(answer, 'a guest');
  }

  /** All hosts. @throws Unavailable */
  async hosts(timeout: number, signal: AbortSignal): Promise<readonly unknown[]> {
    return this.list(await this.call({ method: 'GET', path: '/api/hosts', timeout }, signal), 'host');
  }

  /** The CA of the engine, which signs the hosts' certificates (PEM); null when it does not give it. @throws Unavailable */
  async caCertificate(signal: AbortSignal): Promise<string | null> {
    const path = '/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA';
    const answer = await this.api.send({ method: 'GET', path, headers: { Accept: '*/*' }, signal });
    return answer.status === 200 ? answer.text : null;
  }

  /**
   * Makes a ticket for the SPICE console of a guest; the one before it opens no new channels any more.
   * @param seconds that it shall be good for
   * @throws Unavailable
   */
  async ticket(id: string, seconds: number, signal: AbortSignal): Promise<Ticket | TicketRefusal> {
    const path = `/api/vms/${encodeURIComponent(id)}/graphicsconsoles/${SPICE_CONSOLE}/ticket`;
    const answer = await this.call({ method: 'POST', path, body: { ticket: { expiry: seconds } } }, signal);
    if (answer.status === 400 || answer.status === 404 || answer.status === 409)
      return { kind: 'refused', why: faultOf(answer) ?? `it answered ${String(answer.status)}` };
    const ticket = readTicket(this.json(answer, 'a ticket'), seconds);
    if (ticket === null) throw this.fault('answered without a ticket; see whether url is that of the engine');
    return ticket;
  }

  private call(call: PlatformCall, signal: AbortSignal): Promise<HttpAnswer> {
    return this.session.call((token) => {
      const headers = { ...HEADERS, Authorization: `Bearer ${token}` };
      return this.api.send({ ...call, headers, signal });
    }, signal);
  }

  private async authenticate(): Promise<Login> {
    const { username, password } = this.login;
    const form = { grant_type: 'password', scope: SCOPE, username, password: password.reveal() };
    const answer = await this.api.send({
      method: 'POST',
      path: '/sso/oauth/token',
      headers: { Accept: 'application/json', 'Content-Type': FORM },
      body: new URLSearchParams(form).toString(),
    });
    const members = objectOf(answer.json);
    const token = textOf(members?.['access_token']);
    // Its time of expiry is beyond all numbers: it ends when it was idle for half an hour, or with the engine.
    if (answer.status === 200 && token !== null) return { token, renewAt: Infinity };
    if (!REFUSED_LOGIN.includes(answer.status) || members === null)
      throw this.fault(
        `answered a login with ${String(answer.status)} and no token; see whether url is that of the engine`,
      );
    const fault = this.fault(
      `does not accept username and password (${loginFault(members)}); correct them: the user has its domain, ` +
        'as kerbside@internal',
    );
    return { refused: fault, until: this.now() + REFUSAL_MS };
  }

  private page(answer: HttpAnswer): GuestPage {
    const read = (): GuestPage => {
      const items = this.list(answer, 'vm');
      return { guests: readGuests(items), size: items.length };
    };
    return answer.status === 200 ? this.pages.read(answer.bytes, read) : read();
  }

  /** The members of a listing; an empty one is an empty object. */
  private list(answer: HttpAnswer, name: 'vm' | 'host'): readonly unknown[] {
    const members = objectOf(this.json(answer, name === 'vm' ? 'its guests' : 'its hosts'));
    const items = members === null ? null : listOf(members[name] ?? []);
    if (items !== null) return items;
    throw this.fault(`answered without a list of ${name}s; see whether url is that of the engine`);
  }

  /** The JSON of a good answer. @param what that was asked for, for faults */
  private json(answer: HttpAnswer, what: string): unknown {
    const { status, json } = answer;
    if (status === 200 && json !== undefined) return json;
    if (status === 401 || status === 403) {
      const user = JSON.stringify(this.login.username);
      throw this.fault(`does not give ${what} to user ${user}; see what the user may do`);
    }
    if (status === 200)
      throw this.fault('answered with something that is not JSON; see whether url is that of the engine');
    const fault = faultOf(answer);
    throw this.fault(
      `answered ${String(status)}${fault === null ? '' : ` (${fault})`} when asked for ${what}; see its log`,
    );
  }
}

/** What a Fault of the engine says, on one line; null when the answer has none. */
function faultOf({ json }: HttpAnswer): string | null {
  const members = objectOf(json);
  const text = textOf(members?.['detail']) ?? textOf(members?.['reason']);
  return text === null ? null : shownText(text.replace(/^\[|\]$/g, ''));
}

// Two shapes: by whether the scope names the API.
function loginFault(members: JsonObject): string {
  const [code, text] = [textOf(members['error_code']), textOf(members['error_description'])];
  const error = textOf(members['error']);
  const parts = code === null ? [error, text] : [code, error];
  return shownText(parts.filter((part) => part !== null).join(': ')) || 'no reason given';
}
