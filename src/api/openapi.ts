// SPDX-License-Identifier: Apache-2.0
// The OpenAPI 3.1 document, made from the table of routes. doc/source/openapi.json is a copy; a test compares.
import { VERSION } from '../version.js';
import { isVersioned, versionText } from './microversion.js';
import { arrayOf, schemaRef, SCHEMAS } from './openapi-schemas.js';
import { EVENT_FILTERS, V1_OPERATIONS, V1_SCHEMAS, type V1Query } from './openapi-v1.js';
import type { Route } from './route.js';
import { ROUTES, type Handler } from './routes.js';

type Json = Readonly<Record<string, unknown>>;
type Query = 'limit' | 'marker' | V1Query;

/** What the table does not know about a route. */
interface Operation {
  readonly summary: string;
  /** The schema of the answer; absent for a .vv file. */
  readonly answer?: Json;
  /** The answer is no JSON but this. */
  readonly other?: string;
  /** Success has no body. */
  readonly empty?: true;
  /** A .vv file, beside the answer if there is one. */
  readonly file?: true;
  readonly body?: Json;
  readonly query?: readonly Query[];
  readonly parameters?: readonly Json[];
  /** What else can happen, beside 400, 401, 403 and 500. */
  readonly faults?: Readonly<Record<number, string>>;
  /** Where a browser is sent instead. */
  readonly browser?: string;
}

const NO_CONSOLE = { 404: 'console not found' };
const NO_FILE = { 404: 'source not found, console not found' };
/** Another session has the console, and does not give way. */
const IN_USE = 'console in use';
const NOT_READY = `the instance is not running, is being moved or is not ready; ${IN_USE}`;

const BUSY = { 503: 'too many files are being downloaded' };

const EXCHANGE: Operation = {
  summary: 'Exchange a console token of Nova (the query parameter token) for a .vv file',
  parameters: [{ name: 'token', in: 'query', required: true, schema: { type: 'string' } }],
  faults: {
    401: 'token absent',
    404: 'nova token not found',
    409: NOT_READY,
    429: 'too many unknown tokens; see Retry-After',
    500: 'OpenStack client setup failure, Keystone setup failure, Keystone SSL error, Source configuration error',
  },
};

const OPERATIONS: Readonly<Record<Handler, Operation>> = {
  'root.show': {
    summary: 'What this service can do',
    answer: schemaRef('Capabilities'),
    browser: '/ui/',
  },
  'health.ready': {
    summary:
      'Whether requests should be sent here: the database answers, and the service is not shutting down',
    answer: schemaRef('Health'),
    faults: { 503: 'not ready' },
  },
  'health.live': { summary: 'Whether the process answers at all', answer: schemaRef('Result') },
  'openapi.show': { summary: 'This document', answer: { type: 'object' } },
  'auth.login': {
    summary:
      'Log in with a local user, or with a password or an application credential of Keystone; with as_cookie the token comes as a cookie',
    body: schemaRef('Login'),
    answer: schemaRef('Token'),
    faults: {
      429: 'too many login attempts; see Retry-After',
      503: 'no login method is configured, or Keystone is away',
    },
  },
  'auth.logout': { summary: 'Remove the cookies of a login', answer: schemaRef('Result') },
  'source.list': { summary: 'List sources', answer: arrayOf('Source'), query: ['limit', 'marker'] },
  'source.show': {
    summary: 'Show one source, also one that is no longer configured',
    answer: schemaRef('Source'),
    faults: { 404: 'source not found' },
  },
  'console.list': { summary: 'List consoles', answer: arrayOf('Console'), query: ['limit', 'marker'] },
  'console.show': { summary: 'Show one console', answer: schemaRef('Console'), faults: NO_CONSOLE },
  'console.audit': {
    summary: 'The newest events of the audit trail of a console, oldest first; limit is 20 when absent',
    answer: schemaRef('Audit'),
    query: ['limit'],
    faults: NO_CONSOLE,
  },
  'console.terminate': {
    summary: 'End all sessions of a console and its unused tokens, for good',
    answer: schemaRef('Terminated'),
    browser: '/console',
  },
  'consoleFile.proxy': {
    summary: 'Make a .vv file that leads through the proxy',
    faults: { ...NO_FILE, 409: IN_USE },
  },
  'consoleFile.direct': {
    summary: 'Make a .vv file that leads to the hypervisor; for administrators',
    faults: { ...NO_FILE, 409: 'only Kerbside itself can reach this console' },
  },
  'nova.exchange': EXCHANGE,
  'nova.file': EXCHANGE,
  'signedToken.file': {
    summary:
      'Exchange a console token that Shaken Fist has signed (the query parameter token) for a .vv file; each is good once',
    parameters: [{ name: 'token', in: 'query', required: true, schema: { type: 'string' } }],
    faults: {
      401:
        'token absent, malformed token, unknown signing key, invalid token signature, token expired, ' +
        'token audience rejected, token rejected, token already used',
      404: 'console not found; the token stays good',
      409: `${IN_USE}; the token stays good`,
      429: 'too many unknown tokens; see Retry-After',
      503: 'the platform does not answer',
    },
  },
  'session.list': {
    summary: 'List sessions that have an open channel',
    answer: schemaRef('Sessions'),
    query: ['limit', 'marker'],
  },
  'session.terminate': {
    summary: 'End one session for good',
    answer: schemaRef('Result'),
    faults: { 404: 'session not found' },
    browser: '/session',
  },
  'ui.enter': { summary: 'Lead to the admin UI', other: 'text/plain' },
  'ui.page': {
    summary: 'The admin UI, for browsers',
    other: 'text/html',
    faults: { 404: 'the admin UI is not part of this installation' },
  },
  'ui.asset': { summary: 'A file of the admin UI', other: 'text/javascript', faults: { 404: 'not found' } },
  'ui.whoami': { summary: 'Who is signed in, and what this site offers', answer: schemaRef('UiWhoami') },
  'ui.overview': { summary: 'The site in figures', answer: schemaRef('UiOverview') },
  'ui.events': {
    summary: 'Server-sent events that say what has changed: sessions, audit, sources, services',
    other: 'text/event-stream',
    faults: { 503: 'too many pages listen' },
  },
  'auditExport.csv': {
    summary:
      'The audit events of a search as CSV, newest first, as a stream; a text that a spreadsheet would calculate has an apostrophe before it',
    other: 'text/csv',
    query: EVENT_FILTERS,
    faults: BUSY,
  },
  'auditExport.json': {
    summary: 'The audit events of a search as JSON, newest first, as a stream',
    answer: { type: 'array', items: { $ref: '#/components/schemas/V1AuditEvent' } },
    query: EVENT_FILTERS,
    faults: BUSY,
  },
  ...V1_OPERATIONS,
};

/** The document. */
export function openApiDocument(): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kerbside',
      version: VERSION,
      description:
        'Native SPICE desktops from clouds: sources, consoles, sessions, and the .vv files that open them.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: paths(),
    components: {
      schemas: { ...SCHEMAS, ...V1_SCHEMAS },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        keystone: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Auth-Token',
          description: 'A token of Keystone; it sees the consoles of its project.',
        },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'access_token_cookie',
          description:
            'Requests that change something also repeat the cookie csrf_access_token in X-CSRF-TOKEN.',
        },
      },
    },
  };
}

function paths(): Json {
  const byPath = new Map<string, Record<string, unknown>>();
  for (const route of ROUTES) {
    const path = route.path.replace(/:([a-z]+)/g, '{$1}');
    const operations = byPath.get(path) ?? {};
    operations[route.method.toLowerCase()] = operation(route, OPERATIONS[route.handler]);
    byPath.set(path, operations);
  }
  return Object.fromEntries(byPath);
}

function operation(route: Route, about: Operation): Json {
  const parameters = [
    ...pathParameters(route),
    ...(about.parameters ?? []),
    ...(about.query ?? []).map(queryParameter),
  ];
  return {
    operationId: route.handler,
    summary: about.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(about.body === undefined ? {} : { requestBody: { required: true, content: json(about.body) } }),
    security: route.access === 'public' ? [] : securityOf(route),
    ...extensions(route),
    responses: responses(route, about),
  };
}

/** What OpenAPI has no word for: the rule of the policy, and the version of /v1 that a route came with. */
function extensions({ rule, since }: Route): Json {
  return {
    ...(rule === undefined ? {} : { 'x-kerbside-rule': rule }),
    ...(since === undefined ? {} : { 'x-kerbside-since': versionText(since) }),
  };
}

function securityOf(route: Route): Json[] {
  const credentials = [{ bearer: [] }, { cookie: [] }, { keystone: [] }];
  return route.access === 'optional' ? [{}, ...credentials] : credentials;
}

function pathParameters(route: Route): Json[] {
  const names = [...route.path.matchAll(/:([a-z]+)/g)].map((match) => match[1]);
  return names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameter(name: Query): Json {
  const schema = name === 'limit' ? { type: 'integer', minimum: 1 } : { type: 'string', maxLength: 1024 };
  return { name, in: 'query', required: false, schema };
}

function responses(route: Route, about: Operation): Json {
  const redirect = route.access === 'public' ? [] : redirects(route, about);
  const versioned = isVersioned(route.path);
  const faults: Record<number, string> = { 400: 'bad request', 500: 'server error', ...about.faults };
  if (route.access !== 'public' || route.handler === 'auth.login') faults[401] = 'unauthorized';
  if (versioned) faults[406] = 'there is no such version';
  if (route.rule !== undefined) faults[403] = route.refusal ?? 'forbidden';
  if (route.handler === 'auth.login') faults[403] = 'cross-site login';
  const entries = Object.entries(faults).map(([status, description]) => [
    status,
    { description, content: json(versioned ? { $ref: '#/components/schemas/Errors' } : schemaRef('Error')) },
  ]);
  return Object.fromEntries([
    [String(route.success ?? 200), success(route, about)],
    ...redirect,
    ...entries,
  ]) as Json;
}

function success(route: Route, about: Operation): Json {
  if (about.empty === true) return { description: 'done' };
  if (about.other !== undefined)
    return { description: 'ok', content: { [about.other]: { schema: { type: 'string' } } } };
  const file = { 'application/x-virt-viewer': { schema: { type: 'string' } } };
  if (about.answer === undefined) return { description: 'a .vv file', content: file };
  // Under /v1 the link is in the body.
  const paged = about.query?.includes('marker') === true && !isVersioned(route.path);
  const link = { description: 'The next page, when there is one (RFC 8288).', schema: { type: 'string' } };
  return {
    description: 'ok',
    ...(paged ? { headers: { Link: link } } : {}),
    content: { ...json(about.answer), ...(about.file === true ? file : {}) },
  };
}

function redirects(route: Route, about: Operation): [string, Json][] {
  const expired = route.access === 'optional' ? [] : ['/, when its token has expired'];
  const targets = [...(about.browser === undefined ? [] : [about.browser]), ...expired];
  return targets.length === 0
    ? []
    : [['302', { description: `A browser is sent to ${targets.join('; or to ')}.` }]];
}

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}
