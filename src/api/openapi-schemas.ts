// SPDX-License-Identifier: Apache-2.0
// The shapes of the API's bodies as JSON Schema, for the OpenAPI document. They describe the views and schemas of this
// folder; a test compares the answers of the running service with them.
import { CHANNEL_NAMES } from '../conf/channel-names.js';
import { AUDIT_FACTS } from './openapi-audit.js';
import { GUEST_POLICY_SCHEMA } from './openapi-guest-policy.js';

type Schema = Readonly<Record<string, unknown>>;

const STRING = { type: 'string' };
const BOOLEAN = { type: 'boolean' };
const INTEGER = { type: 'integer' };
const TIME = { type: 'number', description: 'Seconds since 1970, with a fraction.' };
const NAME = { type: 'string', minLength: 1, maxLength: 255 };
const RESULT = { type: 'string', enum: ['ok'] };

function orNull(schema: Schema): Schema {
  return { ...schema, type: [schema['type'], 'null'] };
}

function object(properties: Record<string, Schema>, options: { optional?: readonly string[] } = {}): Schema {
  const required = Object.keys(properties).filter((name) => options.optional?.includes(name) !== true);
  return { type: 'object', additionalProperties: false, properties, required };
}

/** A reference to one of the schemas below. */
export function schemaRef(name: keyof typeof SCHEMAS): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** An array of one of the schemas below. */
export function arrayOf(name: keyof typeof SCHEMAS): Schema {
  return { type: 'array', items: schemaRef(name) };
}

/** The schemas by name. */
export const SCHEMAS = {
  Error: object({ error: STRING, status: INTEGER }),
  Result: object({ result: RESULT }),
  Health: object({
    result: RESULT,
    messaging: {
      type: 'string',
      enum: ['off', 'connected', 'disconnected'],
      description: 'How this process reaches the message broker; off: none is configured',
    },
    notifications: {
      type: 'string',
      enum: ['off', 'none yet', 'receiving', 'disconnected'],
      description: 'How the site hears of what happens to instances, by the best of its conductors',
    },
  }),
  Capabilities: object({
    capabilities: { type: 'array', items: STRING },
    result: RESULT,
  }),
  Login: object(
    {
      username: { type: 'string', minLength: 1, maxLength: 255 },
      password: { type: 'string', minLength: 1, maxLength: 1024, format: 'password' },
      as_cookie: BOOLEAN,
      user_domain_id: NAME,
      user_domain_name: NAME,
      project_id: NAME,
      project_name: NAME,
      project_domain_id: NAME,
      project_domain_name: NAME,
      application_credential_id: NAME,
      application_credential_name: NAME,
      application_credential_secret: { type: 'string', minLength: 1, maxLength: 1024, format: 'password' },
    },
    {
      optional: [
        'username',
        'password',
        'as_cookie',
        'user_domain_id',
        'user_domain_name',
        'project_id',
        'project_name',
        'project_domain_id',
        'project_domain_name',
        'application_credential_id',
        'application_credential_name',
        'application_credential_secret',
      ],
    },
  ),
  Token: object(
    { access_token: STRING, expires_in: INTEGER, token_type: { type: 'string', enum: ['Bearer'] } },
    { optional: ['access_token', 'token_type'] },
  ),
  Source: object({
    name: STRING,
    type: STRING,
    last_seen: orNull(TIME),
    seen_by: orNull(STRING),
    errored: BOOLEAN,
    error: orNull(STRING),
    url: orNull(STRING),
    ca_cert: orNull(STRING),
    username: orNull(STRING),
    project_name: orNull(STRING),
    user_domain_id: orNull(STRING),
    project_domain_id: orNull(STRING),
    deleted: BOOLEAN,
  }),
  Console: object({
    uuid: STRING,
    source: STRING,
    hypervisor: STRING,
    hypervisor_ip: STRING,
    insecure_port: orNull(INTEGER),
    secure_port: orNull(INTEGER),
    name: orNull(STRING),
    host_subject: orNull(STRING),
    discovered: TIME,
    sessions: { type: 'array', items: STRING },
    token_count: INTEGER,
    audit: { type: 'array', maxItems: 0, description: 'Always empty; the audit trail has a URL of its own.' },
    guest_policy: { $ref: '#/components/schemas/GuestPolicy' },
  }),
  GuestPolicy: GUEST_POLICY_SCHEMA,
  AuditEvent: object({
    source: STRING,
    uuid: STRING,
    session_id: orNull(STRING),
    channel: orNull(STRING),
    node: orNull(STRING),
    pid: orNull(INTEGER),
    timestamp: TIME,
    message: STRING,
    ...AUDIT_FACTS,
  }),
  Audit: object({
    audit: { type: 'array', items: { $ref: '#/components/schemas/AuditEvent' } },
    total: INTEGER,
  }),
  Terminated: object({
    result: RESULT,
    tokens: {
      type: 'array',
      items: { type: 'string', pattern: '^[0-9a-f]{12}$' },
      description: 'The fingerprints of the tokens that ended: 12 hexadecimal digits of their SHA-256.',
    },
  }),
  Channel: object({
    id: INTEGER,
    node: STRING,
    pid: INTEGER,
    created: TIME,
    client_ip: STRING,
    client_port: INTEGER,
    connection_id: orNull(INTEGER),
    channel_type: { type: 'string', enum: [...CHANNEL_NAMES] },
    channel_id: INTEGER,
    session_id: STRING,
    connection_ref: STRING,
  }),
  Session: object({
    source: STRING,
    uuid: STRING,
    name: orNull(STRING),
    issued_to: { ...orNull(STRING), description: 'For whom the token of the session was made.' },
    channels: { type: 'array', items: { $ref: '#/components/schemas/Channel' } },
  }),
  Sessions: {
    type: 'object',
    description: 'By session id.',
    additionalProperties: { $ref: '#/components/schemas/Session' },
  },
  UiWhoami: object({
    user: { ...orNull(STRING), description: 'null: nobody is signed in.' },
    admin: { type: 'boolean' },
    groups: { type: 'array', items: STRING, description: 'The groups that the login carries.' },
    keystone: { type: 'boolean', description: 'Whether users of Keystone may sign in.' },
    version: orNull(STRING),
    browser_url: { ...orNull(STRING), description: '[html5proxy] public_url.' },
  }),
  UiOverview: object({
    consoles: INTEGER,
    sessions: object({ pending: INTEGER, active: INTEGER, closing: INTEGER }),
    sources: {
      type: 'array',
      description: 'What each source has: consoles, and sessions in use.',
      items: object({ name: STRING, consoles: INTEGER, active: INTEGER }),
    },
    hours: {
      type: 'array',
      description:
        'Each of the last 24 hours, the oldest first: sessions made in it whose client has come, refusals, and what channels carried that ended in it.',
      items: object({
        begin_at: { type: 'string', format: 'date-time' },
        sessions: INTEGER,
        refusals: INTEGER,
        channels: INTEGER,
        bytes_up: INTEGER,
        bytes_down: INTEGER,
      }),
    },
    refusals: {
      type: 'array',
      description: 'Of the last hour, the most frequent first.',
      items: object({ message: STRING, count: INTEGER }),
    },
  }),
} as const satisfies Record<string, Schema>;
