// SPDX-License-Identifier: Apache-2.0
// The calls of Keystone's Identity API v3 that change what Keystone knows: lists with filters, POST, PATCH, and role
// assignments. They go to auth_url: while a cloud is set up its catalog may be incomplete.
import type { HttpCall } from './http-call.js';
import type { HttpAnswer } from './http-client.js';
import { askKeystone, placeOf, unexpectedAnswer } from './keystone-api.js';
import { KeystoneFault } from './keystone-fault.js';
import type { ServiceSession } from './service-session.js';

/** One thing that Keystone knows. */
export interface Entity {
  readonly id: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const SINGULAR = {
  domains: 'domain',
  endpoints: 'endpoint',
  projects: 'project',
  regions: 'region',
  roles: 'role',
  services: 'service',
  users: 'user',
} as const;

/** A collection of Keystone. */
export type Collection = keyof typeof SINGULAR;

type Values = Readonly<Record<string, string | boolean>>;

/** Keystone, asked by an administrator. All methods: @throws KeystoneFault */
export class KeystoneAdmin {
  constructor(private readonly session: ServiceSession) {}

  /** By id; null when there is none. */
  async get(collection: Collection, id: string): Promise<Entity | null> {
    const path = `/${collection}/${encodeURIComponent(id)}`;
    const { call, answer } = await this.send('GET', path);
    if (answer.status === 404) return null;
    return this.one(collection, call, answer, 200);
  }

  /** The first that has these attributes; null when there is none. */
  async find(collection: Collection, attributes: Readonly<Record<string, string>>): Promise<Entity | null> {
    const path = `/${collection}?${new URLSearchParams(attributes).toString()}`;
    const { call, answer } = await this.send('GET', path);
    const listed = memberOf(answer.json, collection);
    if (answer.status !== 200 || !Array.isArray(listed)) throw this.fault(call, answer);
    const entities = listed.flatMap((item) => readEntity(item) ?? []);
    const has = ({ values }: Entity): boolean =>
      Object.entries(attributes).every(([name, value]) => values[name] === value);
    return entities.find(has) ?? null;
  }

  /** The same, where it must exist. */
  async demand(collection: Collection, attributes: Readonly<Record<string, string>>): Promise<Entity> {
    const found = await this.find(collection, attributes);
    if (found !== null) return found;
    const what = Object.values(attributes).join(' ');
    throw new KeystoneFault(
      'answer',
      `Keystone at ${placeOf(this.session.identity)} has no ${SINGULAR[collection]} ${what}`,
    );
  }

  /** Makes one. */
  async create(collection: Collection, values: Values): Promise<Entity> {
    const { call, answer } = await this.send('POST', `/${collection}`, { [SINGULAR[collection]]: values });
    return this.one(collection, call, answer, 201);
  }

  /** Changes attributes of one. */
  async change(collection: Collection, id: string, values: Values): Promise<void> {
    const path = `/${collection}/${encodeURIComponent(id)}`;
    const { call, answer } = await this.send('PATCH', path, { [SINGULAR[collection]]: values });
    this.one(collection, call, answer, 200);
  }

  /** Gives a user a role in a project; false when they had it. */
  async assign(project: string, user: string, role: string): Promise<boolean> {
    const [p, u, r] = [project, user, role].map(encodeURIComponent);
    const path = `/projects/${p}/users/${u}/roles/${r}`;
    const held = await this.send('HEAD', path);
    if (held.answer.status === 204 || held.answer.status === 200) return false;
    if (held.answer.status !== 404) throw this.fault(held.call, held.answer);
    const { call, answer } = await this.send('PUT', path);
    if (answer.status !== 204) throw this.fault(call, answer);
    return true;
  }

  private async send(
    method: HttpCall['method'],
    path: string,
    body?: unknown,
  ): Promise<{ readonly call: HttpCall; readonly answer: HttpAnswer }> {
    const headers = { 'X-Auth-Token': await this.session.token() };
    const call: HttpCall = { method, url: `${this.session.identity}${path}`, headers, body };
    return { call, answer: await askKeystone(this.session.http, call) };
  }

  private one(collection: Collection, call: HttpCall, answer: HttpAnswer, status: number): Entity {
    const entity = readEntity(memberOf(answer.json, SINGULAR[collection]));
    if (answer.status !== status || entity === undefined) throw this.fault(call, answer);
    return entity;
  }

  private fault(call: HttpCall, answer: HttpAnswer): KeystoneFault {
    if (answer.status !== 401 && answer.status !== 403) return unexpectedAnswer(call, answer);
    return new KeystoneFault(
      'credentials',
      `Keystone at ${placeOf(call.url)} does not allow this login ${call.method}; log in as an administrator`,
    );
  }
}

function readEntity(json: unknown): Entity | undefined {
  const id = memberOf(json, 'id');
  return typeof id === 'string' && id !== '' ? { id, values: json as Entity['values'] } : undefined;
}

function memberOf(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null
    ? (json as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
