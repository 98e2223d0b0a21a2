// SPDX-License-Identifier: Apache-2.0
// What a browser gets by HTTP: the client's files, the health of the service, the page that a link leads to, with the
// session's password in its body, and, for a page whose desktop has ended, why.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  explanation,
  EXPLANATION_POLICY,
  EXPLANATION_TYPE,
  sentencesAbout,
  type Explained,
} from '../service/explanation.js';
import { loggerFor } from '../log.js';
import type { Readiness } from '../service/readiness.js';
import { DatabaseError } from '../exception.js';
import type { ConsoleProtocol } from '../objects/console-protocol.js';
import type { SessionOutcomes } from '../objects/session-outcome.js';
import { browserOf } from './browser.js';
import { endedAs, endedUnknown, type Ended } from './ended.js';
import { contentSecurityPolicy, HEADERS } from './headers.js';
import { OWN_TOKEN } from './own-token.js';
import { admit, CONSOLE_PAGES, type ConsolePagesParts } from './console-pages.js';
import { ENDED_PATH, viewerPage, type NativeAddress } from './viewer-page.js';
import type { WebFile, WebRoot } from './web-root.js';

const log = loggerFor('kerbside.html5proxy.request');

/** What {@link Pages} is made with. */
export interface PagesDependencies extends ConsolePagesParts {
  readonly outcomes: Pick<SessionOutcomes, 'of'>;
  readonly readiness: Pick<Readiness, 'fault'>;
  /** [console] reconnect_grace, seconds. */
  readonly grace: number;
  /** Where native clients connect. */
  readonly native: () => Promise<NativeAddress>;
  /** [html5proxy] allowed_origins */
  readonly origins: readonly string[];
}

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
    /** The page's own files. */
    private readonly viewer: WebRoot,
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
    const protocol = CONSOLE_PAGES.get(path);
    if (path === READY || path === LIVE) await this.health(response, path);
    else if (path === ENDED_PATH) await this.tellEnd(request, response);
    else if (protocol !== undefined) await this.open(request, response, query, protocol);
    else {
      const file = this.viewer.get(path) ?? this.web.get(path);
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

  private async open(
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
    protocol: ConsoleProtocol,
  ): Promise<void> {
    const admitted = await admit(request, query, protocol, this.parts);
    if (admitted.kind === 'refused') {
      const { status, about, retryAfter } = admitted;
      if (retryAfter !== undefined) response.setHeader('Retry-After', String(retryAfter));
      this.explain(response, status, about);
      return;
    }
    const body = viewerPage({
      protocol,
      password: admitted.kind === 'token' ? admitted.token : null,
      title: query.get('title')?.slice(0, LONGEST_TITLE) ?? null,
      grace: this.parts.grace,
      native: protocol === 'spice' ? await this.parts.native() : null,
      absent: sentencesAbout('absent'),
    });
    this.setPolicy(request, response, []);
    response.setHeader('Cache-Control', 'no-store');
    response.writeHead(admitted.kind === 'token' ? 200 : 401, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  private setPolicy(request: IncomingMessage, response: ServerResponse, scripts: readonly string[]): void {
    const { authority } = browserOf(request, this.parts.trusted);
    response.setHeader(
      'Content-Security-Policy',
      contentSecurityPolicy(scripts, authority, this.parts.origins),
    );
  }

  private serve(request: IncomingMessage, response: ServerResponse, file: WebFile): void {
    const isPage = file.type.startsWith('text/html');
    if (isPage) this.setPolicy(request, response, file.scripts);
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
