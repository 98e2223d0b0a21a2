// SPDX-License-Identifier: Apache-2.0
// What the OpenAPI document says about /v1: the operations that the table of routes does not describe, and the shapes of
// the bodies. A test compares the answers of the running service with them.
import { AUDIT_FACTS } from './openapi-audit.js';

type Schema = Readonly<Record<string, unknown>>;

const STRING = { type: 'string' };
const INTEGER = { type: 'integer' };
const BOOLEAN = { type: 'boolean' };
const TIME = { type: 'string', format: 'date-time', description: 'ISO 8601, UTC.' };
const STATE = { type: 'string', enum: ['pending', 'active', 'migrating', 'closing', 'closed'] };

/** Parameters of queries that only /v1 has. */
export type V1Query =
  | 'project_id'
  | 'source'
  | 'instance_uuid'
  | 'session_id'
  | 'user'
  | 'key'
  | 'host'
  | 'binary'
  | 'name~'
  | 'state'
  | 'sort'
  | 'since'
  | 'until'
  | 'requested_by';

/** What the table does not know about a route of /v1. */
interface V1Operation {
  readonly summary: string;
  readonly answer?: Schema;
  readonly body?: Schema;
  readonly query?: readonly ('limit' | 'marker' | V1Query)[];
  readonly faults?: Readonly<Record<number, string>>;
  /** The answer is nothing, or a file beside the JSON. */
  readonly empty?: true;
  readonly file?: true;
}

function orNull(schema: Schema): Schema {
  return { ...schema, type: [schema['type'], 'null'] };
}

function object(properties: Record<string, Schema>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', additionalProperties: false, properties, required };
}

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

function collection(name: string, item: string): Schema {
  const links = `${name}_links`;
  return object(
    { [name]: { type: 'array', items: ref(item) }, [links]: { type: 'array', items: ref('Link') } },
    [links],
  );
}

const LINKS = { type: 'array', items: ref('Link') };
const NULL_UNLESS = 'null for those whom kerbside:consoles:show:hypervisor does not allow it.';
const HIDDEN = { description: NULL_UNLESS };

/** The schemas of /v1 by name. */
export const V1_SCHEMAS = {
  Link: object({ rel: STRING, href: { type: 'string', format: 'uri' }, type: STRING }, ['type']),
  Version: object({ id: STRING, status: STRING, min_version: STRING, max_version: STRING, links: LINKS }),
  Versions: object({ versions: { type: 'array', items: ref('Version') } }),
  Errors: object({
    errors: {
      type: 'array',
      items: object(
        {
          request_id: STRING,
          code: STRING,
          status: INTEGER,
          title: STRING,
          detail: STRING,
          links: LINKS,
          min_version: STRING,
          max_version: STRING,
        },
        ['min_version', 'max_version'],
      ),
    },
  }),
  V1Console: object(
    {
      id: { type: 'string', description: '<source>/<instance_uuid>, encoded for URLs.' },
      source: STRING,
      instance_uuid: STRING,
      name: orNull(STRING),
      project_id: orNull(STRING),
      user_id: orNull(STRING),
      instance_state: orNull(STRING),
      locked: { ...orNull(BOOLEAN), description: 'Since 1.1; null when nobody has said so.' },
      tags: { type: 'array', items: STRING, description: "Since 1.6; the platform's, such as pool:lab." },
      access_role: {
        type: 'string',
        enum: ['default', 'none', 'view', 'open', 'operate'],
        description: 'Since 1.6; what the list of access gives the user; default: there is none.',
      },
      access: {
        ...orNull({ type: 'array', items: ref('V1Access') }),
        description:
          'Since 1.6; whom the list of access names; null without one, in listings, and for those whom ' +
          'kerbside:consoles:show:access does not allow it.',
      },
      created_at: TIME,
      host: { ...orNull(STRING), ...HIDDEN },
      hypervisor: { ...orNull(STRING), ...HIDDEN },
      hypervisor_ip: { ...orNull(STRING), ...HIDDEN },
      insecure_port: { ...orNull(INTEGER), ...HIDDEN },
      secure_port: { ...orNull(INTEGER), ...HIDDEN },
      host_subject: { ...orNull(STRING), ...HIDDEN },
      protocol: { type: 'string', enum: ['spice', 'vnc'], description: 'Since 1.8; what its server speaks.' },
      guest_policy: ref('GuestPolicy'),
      recorded: {
        ...BOOLEAN,
        description: 'Since 1.7, of one console: whether sessions that begin now are to be recorded.',
      },
      links: LINKS,
    },
    ['locked', 'guest_policy', 'recorded', 'tags', 'access_role', 'access', 'protocol'],
  ),
  V1Access: object({
    kind: { type: 'string', enum: ['everybody', 'project', 'user', 'group'] },
    name: orNull(STRING),
    role: { type: 'string', enum: ['view', 'open', 'operate'] },
  }),
  V1ConsoleAnswer: object({ console: ref('V1Console') }),
  V1Consoles: collection('consoles', 'V1Console'),
  V1CreateConsole: object(
    {
      instance_uuid: { type: 'string', format: 'uuid' },
      source: { type: 'string', minLength: 1, maxLength: 255 },
      type: {
        type: 'string',
        enum: ['spice-direct', 'spice-html5', 'novnc'],
        description: 'novnc since 1.8. A console that speaks the other protocol is a 409.',
      },
      replace: {
        ...BOOLEAN,
        description:
          'Since 1.5: end the session of somebody else who has the console, where they would not give way. ' +
          'kerbside:consoles:replace says who may.',
      },
    },
    ['source', 'type', 'replace'],
  ),
  V1Opened: object({
    console: object({
      id: STRING,
      session_id: STRING,
      source: STRING,
      instance_uuid: STRING,
      name: orNull(STRING),
      project_id: orNull(STRING),
      expires_at: TIME,
      connection: object({
        protocol: {
          type: 'string',
          enum: ['spice', 'vnc'],
          description: 'vnc since 1.8: such a console opens by its link console_browser alone.',
        },
        host: STRING,
        port: orNull(INTEGER),
        tls_port: INTEGER,
        host_subject: orNull(STRING),
        ca: orNull(STRING),
      }),
      links: LINKS,
    }),
  }),
  V1Session: object(
    {
      id: STRING,
      source: STRING,
      instance_uuid: STRING,
      name: orNull(STRING),
      project_id: orNull(STRING),
      state: STATE,
      issued_to: orNull(STRING),
      created_at: TIME,
      expires_at: orNull(TIME),
      terminated_at: orNull(TIME),
      closed_at: orNull(TIME),
      reason: orNull(STRING),
      recorded: {
        ...BOOLEAN,
        description: 'Since 1.7, of one session: whether its recording has begun.',
      },
      links: LINKS,
    },
    ['recorded'],
  ),
  V1SessionAnswer: object({ session: ref('V1Session') }),
  V1Sessions: collection('sessions', 'V1Session'),
  V1Connection: object({
    id: INTEGER,
    connection_ref: STRING,
    session_id: STRING,
    source: STRING,
    instance_uuid: STRING,
    name: orNull(STRING),
    project_id: orNull(STRING),
    channel: orNull(STRING),
    channel_type: INTEGER,
    channel_id: INTEGER,
    state: { type: 'string', enum: ['authorized', 'connected', 'closed'] },
    client_ip: STRING,
    client_port: INTEGER,
    node: { ...orNull(STRING), ...HIDDEN },
    pid: { ...orNull(INTEGER), ...HIDDEN },
    created_at: TIME,
    connected_at: orNull(TIME),
    closed_at: orNull(TIME),
    bytes_up: orNull(INTEGER),
    bytes_down: orNull(INTEGER),
    duration: { ...orNull({ type: 'number' }), description: 'Seconds.' },
    reason: orNull(STRING),
  }),
  V1Connections: collection('connections', 'V1Connection'),
  V1Source: object({
    id: STRING,
    name: STRING,
    type: STRING,
    url: orNull(STRING),
    username: orNull(STRING),
    project_name: orNull(STRING),
    user_domain_id: orNull(STRING),
    project_domain_id: orNull(STRING),
    ca_cert: orNull(STRING),
    errored: BOOLEAN,
    error: orNull(STRING),
    last_seen_at: orNull(TIME),
    seen_by: orNull(STRING),
    deleted: BOOLEAN,
    links: LINKS,
  }),
  V1SourceAnswer: object({ source: ref('V1Source') }),
  V1Sources: collection('sources', 'V1Source'),
  V1AuditEvent: object(
    {
      id: INTEGER,
      source: STRING,
      instance_uuid: STRING,
      project_id: orNull(STRING),
      session_id: orNull(STRING),
      channel: orNull(STRING),
      node: orNull(STRING),
      pid: orNull(INTEGER),
      created_at: TIME,
      message: STRING,
      ...AUDIT_FACTS,
    },
    Object.keys(AUDIT_FACTS),
  ),
  V1Service: object({
    id: INTEGER,
    host: { type: 'string', description: '[DEFAULT] node_name.' },
    binary: STRING,
    pid: INTEGER,
    version: STRING,
    state: { type: 'string', enum: ['up', 'down'] },
    status: { type: 'string', enum: ['running', 'draining', 'stopped', 'lost'] },
    started_at: TIME,
    updated_at: { ...TIME, description: 'The last heartbeat.' },
    down_at: orNull(TIME),
    report: { type: 'object', description: 'What the program says of itself.' },
  }),
  V1Services: collection('services', 'V1Service'),
  V1AuditEvents: collection('audit_events', 'V1AuditEvent'),
} as const satisfies Record<string, Schema>;

const OF_CONSOLE = ['project_id', 'source', 'instance_uuid'] as const;
const FILTERS = ['limit', 'marker', ...OF_CONSOLE] as const;
/** What audit events are searched by. */
export const EVENT_FILTERS = [
  ...OF_CONSOLE,
  ...(['session_id', 'user', 'since', 'until', 'requested_by'] as const),
] as const;
const NO_CONSOLE = { 404: 'console not found' };
const NO_SESSION = { 404: 'session not found' };

/** The operations of /v1 by their handlers. */
export const V1_OPERATIONS = {
  'version.show': { summary: 'The versions of the OpenStack API', answer: ref('Versions') },
  'version.showBare': {
    summary: 'The versions of the OpenStack API, as with the slash',
    answer: ref('Versions'),
  },
  'v1Console.list': {
    summary: 'List consoles; search them by a part of the name and by state, and sort them, since 1.3',
    answer: ref('V1Consoles'),
    query: [...FILTERS, 'name~', 'state', 'sort'],
  },
  'v1Console.create': {
    summary:
      'Open a console as the user who asks; with Accept: application/x-virt-viewer the answer is the .vv file',
    body: ref('V1CreateConsole'),
    answer: ref('V1Opened'),
    file: true,
    faults: {
      404: 'instance not found',
      409:
        'the instance is not running, is being moved or is not ready; console in use: since 1.5 "replace" takes it over, where ' +
        'the policy allows that',
      501: 'Nova: the hypervisor has no such consoles',
      503: 'Keystone or Nova does not answer',
    },
  },
  'v1Console.show': {
    summary: 'Show one console; with its guest data policy since 1.4',
    answer: ref('V1ConsoleAnswer'),
    faults: NO_CONSOLE,
  },
  'v1Console.terminate': {
    summary: 'End all sessions of a console and its unused tokens, for good',
    empty: true,
    faults: NO_CONSOLE,
  },
  'v1Session.list': {
    summary:
      'List sessions; search them by a part of the name of the console, by state (active: also those whose guest is being moved, as the overview counts them) and by user, and sort them, since 1.3',
    answer: ref('V1Sessions'),
    query: [...FILTERS, 'name~', 'state', 'user', 'sort'],
  },
  'v1Session.show': { summary: 'Show one session', answer: ref('V1SessionAnswer'), faults: NO_SESSION },
  'v1Session.terminate': { summary: 'End one session for good', empty: true, faults: NO_SESSION },
  'v1Session.file': {
    summary: 'The .vv file of a session, once, for the key of the link that POST /v1/consoles gave',
    query: ['key'],
    file: true,
    faults: {
      404: 'there is no such link, or it was used, or it has expired',
      409: 'the console speaks VNC, and opens in the browser only',
    },
  },
  'v1Connection.list': {
    summary: 'List connections: the channels of sessions',
    answer: ref('V1Connections'),
    query: [...FILTERS, 'session_id'],
  },
  'v1Source.list': { summary: 'List sources', answer: ref('V1Sources'), query: ['limit', 'marker'] },
  'v1Source.show': {
    summary: 'Show one source, also one that is no longer configured',
    answer: ref('V1SourceAnswer'),
    faults: { 404: 'source not found' },
  },
  'v1Service.list': {
    summary: 'List the services of Kerbside (since 1.1)',
    answer: ref('V1Services'),
    query: ['limit', 'marker', 'host', 'binary'],
  },
  'v1AuditEvent.list': {
    summary:
      'List audit events, newest first; who, from where and by whom, session_id and user since 1.2; since, until and requested_by since 1.3',
    answer: ref('V1AuditEvents'),
    query: ['limit', 'marker', ...EVENT_FILTERS],
  },
} as const satisfies Record<string, V1Operation>;
