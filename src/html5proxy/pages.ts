// SPDX-License-Identifier: Apache-2.0
// What a browser gets by HTTP: the client's files, the health of the service, at /spice_auto.html?token=... the exchange
// of a console token for the page with the session's password, and, for a page whose desktop has ended, why.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { explanation, EXPLANATION_POLICY, EXPLANATION_TYPE, type Explained } from '../service/explanation.js';
import { loggerFor } from '../log.js';
import type { NetworkList } from '../net/network-list.js';
import type { Readiness } from '../service/readiness.js';
import type { Exchange, TokenExchange } from '../broker/token-exchange.js';
import { DatabaseError } from '../exception.js';
import { strangerAt } from '../objects/requester.js';
import type { SessionOutcomes } from '../objects/session-outcome.js';
import { browserOf } from './browser.js';
import { endedAs, endedUnknown, type Ended } from './ended.js';
import { contentSecurityPolicy, HEADERS } from './headers.js';
import type { Html5Metrics } from './metrics.js';
import { ENDED_PATH } from './page-script.js';
import { PAGE, type WebFile, type WebRoot } from './web-root.js';

const log = loggerFor('kerbside.html5proxy.request');

/** What {@link Pages} is made with. */
export interface PagesDependencies {
  readonly exchange: Pick<TokenExchange, 'open'>;
  readonly outcomes: Pick<SessionOutcomes, 'of'>;
  readonly metrics: Html5Metrics;
  readonly readiness: Pick<Readiness, 'fault'>;
  readonly trusted: NetworkList;
  /** [html5proxy] allowed_origins */
  readonly origins: readonly string[];
}

/** A console token of Kerbside; those of Nova are UUIDs. */
const OWN_TOKEN = /^[A-Za-z0-9]{48}$/;
/** A page may ask before the end of its main channel has been written: looks, and the pause between two. */
const LOOKS = 12;
const LOOK_PAUSE_MS = 250;
/** Pages that are told at the same time. */
const MOST_ASKING = 64;
const LONGEST_TITLE = 300;
const LIVE = '/healthcheck/live';
const READY = '/healthcheck';

/** Answers HTTP requests. */
export class Pages {
  private asking = 0;

  constructor(
    private readonly parts: PagesDependencies,
    private web: WebRoot,
  ) {}

  /** Serves other files from now on. */
  useWeb(web: WebRoot): void {
    this.web = web;
  }

  /** Answers one request. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    this.log(request, response);
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    this.answer(request, response).catch((error: unknown) => {
      log.error('a request failed', { error: error instanceof Error ? error : new Error(String(error)) });
      if (response.headersSent) response.destroy();
      else this.explain(response, 503, 'unavailable');
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      plain(response, 405, 'method not allowed');
      return;
    }
    const target = parseTarget(request.url ?? '');
    if (target === null) {
      plain(response, 400, 'bad request');
      return;
    }
    const { path, query } = target;
    const token = query.get('token');
    if (path === READY || path === LIVE) await this.health(response, path);
    else if (path === ENDED_PATH) await this.tellEnd(request, response);
    else if (path === PAGE && !query.has('password')) {
      await this.open(request, response, token ?? '', query.get('title'));
    } else {
      const file = this.web.get(path);
      if (file === undefined) plain(response, 404, 'not found');
      else this.serve(request, response, file);
    }
  }

  private async health(response: ServerResponse, path: string): Promise<void> {
    const fault = path === LIVE ? undefined : await this.parts.readiness.fault();
    if (fault === undefined) json(response, 200, { result: 'ok' });
    else json(response, 503, { error: fault, status: 503 });
  }

  /** What became of the desktop that the request's token is for. */
  private async tellEnd(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, token = ''] = /^Bearer (.*)$/i.exec(request.headers.authorization ?? '') ?? [];
    json(response, 200, await this.ended(token, () => response.destroyed));
  }

  private async ended(token: string, gone: () => boolean): Promise<Ended> {
    if (token === '') return endedUnknown('absent');
    if (!OWN_TOKEN.test(token)) return endedUnknown('unknown');
    if (this.asking >= MOST_ASKING) return endedUnknown('lost');
    this.asking += 1;
    try {
      for (let look = 1; ; look += 1) {
        const outcome = await this.parts.outcomes.of(token);
        if (!outcome.open || look === LOOKS || gone()) return endedAs(outcome);
        await sleep(LOOK_PAUSE_MS);
      }
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      log.warning('a page could not be told how its desktop ended', { error: error.message });
      return endedUnknown('unavailable');
    } finally {
      this.asking -= 1;
    }
  }

  /** Sends the browser to the page with a password; whatever else the URL asked for, another host for instance, is gone. */
  private async open(
    request: IncomingMessage,
    response: ServerResponse,
    token: string,
    title: string | null,
  ): Promise<void> {
    if (token === '') {
      this.explain(response, 401, 'absent');
      return;
    }
    const password = OWN_TOKEN.test(token) ? token : await this.passwordFor(request, response, token);
    if (password === null) return;
    const query = new URLSearchParams({ password });
    if (title !== null) query.set('title', title.slice(0, LONGEST_TITLE));
    response.setHeader('Cache-Control', 'no-store');
    // Relative: the service may be reached under another path.
    response.writeHead(302, { Location: `${PAGE.slice(1)}?${query.toString()}` }).end();
  }

  /** null: refused, and the answer has been sent. */
  private async passwordFor(
    request: IncomingMessage,
    response: ServerResponse,
    token: string,
  ): Promise<string | null> {
    const { exchange, metrics, trusted } = this.parts;
    const opening = await exchange.open(token, strangerAt(browserOf(request, trusted).address));
    metrics.exchanges.inc({ outcome: opening.kind });
    if (opening.kind === 'opened') {
      const { source, uuid: console, sessionId: session } = opening;
      log.info('console token exchanged', { source, console, session });
      return opening.token;
    }
    if (opening.kind === 'limited') response.setHeader('Retry-After', String(opening.wait));
    const [status, about] = refusalOf(opening);
    this.explain(response, status, about);
    return null;
  }

  private serve(request: IncomingMessage, response: ServerResponse, file: WebFile): void {
    const isPage = file.type.startsWith('text/html');
    if (isPage) {
      const { authority } = browserOf(request, this.parts.trusted);
      const policy = contentSecurityPolicy(file.scripts, authority, this.parts.origins);
      response.setHeader('Content-Security-Policy', policy);
    }
    response.setHeader('Cache-Control', isPage ? 'no-store' : 'no-cache');
    response.setHeader('ETag', file.etag);
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': file.body.length });
    response.end(request.method === 'HEAD' ? undefined : file.body);
  }

  private explain(response: ServerResponse, status: number, about: Explained): void {
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Content-Security-Policy', EXPLANATION_POLICY);
    response.writeHead(status, { 'Content-Type': EXPLANATION_TYPE }).end(explanation(about));
  }

  /** Without the query: tokens and passwords travel there. */
  private log(request: IncomingMessage, response: ServerResponse): void {
    const started = performance.now();
    const { method = '' } = request;
    const path = (request.url ?? '').replace(/\?.*$/s, '');
    const { address } = browserOf(request, this.parts.trusted);
    response.once('close', () => {
      this.parts.metrics.requests.inc({ status: String(response.statusCode) });
      const quiet = path.startsWith(READY) && response.statusCode < 400;
      log[quiet ? 'debug' : 'info'](`${method} ${path}`, {
        status: response.statusCode,
        ms: Math.round(performance.now() - started),
        address,
        aborted: response.writableFinished ? undefined : true,
      });
    });
  }
}

/** A fault of a source hides an unknown token: that source might have known it. */
function refusalOf(opening: Exclude<Exchange, { kind: 'opened' }>): readonly [number, Explained] {
  switch (opening.kind) {
    case 'limited':
      return [429, 'limited'];
    case 'not_ready': {
      const { why } = opening.fault;
      return why === 'gone' ? [404, 'unknown'] : [409, why];
    }
    case 'in_use':
      return [409, 'console_in_use'];
    case 'unknown':
      return opening.faults.length === 0 ? [404, 'unknown'] : [503, 'unavailable'];
  }
}

/** Path and query; null for what could be taken for another host, or is no path. */
function parseTarget(url: string): { path: string; query: URLSearchParams } | null {
  const [, raw = '', query = ''] = /^([^?#]*)(?:\?([^#]*))?/s.exec(url) ?? [];
  if (!raw.startsWith('/') || raw.startsWith('//')) return null;
  try {
    const path = decodeURIComponent(raw);
    return /^\/[/\\]|\0/.test(path) ? null : { path, query: new URLSearchParams(query) };
  } catch {
    return null;
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(`${text}\n`);
}
