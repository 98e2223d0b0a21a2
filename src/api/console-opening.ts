// SPDX-License-Identifier: Apache-2.0
// The broker call: finds the console that is asked for, or has Nova make it, and answers with a session that may begin.
import type { Request, Response } from 'express';
import { InstanceNotReady, NovaRefused } from '../compute/faults.js';
import { NotFound } from '../exception.js';
import type { AuditEvents } from '../objects/audit-event.js';
import { AUDIT } from '../objects/audit-message.js';
import type { ConsoleTokens } from '../objects/console-token.js';
import type { Inventory } from '../objects/inventory.js';
import type { Sources } from '../objects/source.js';
import type { OpenRequest, OpenStackClouds } from '../sources/openstack/clouds.js';
import { sendConsoleFile, type ConsoleFiles } from './console-files.js';
import { Absent, BadRequest, Forbidden, HttpFault, Unauthorized } from './faults.js';
import type { Permission } from './permission.js';
import { contextOf, userOf } from './request-context.js';
import type { CreateConsoleBody } from './schemas/v1.js';
import { viewBrokered } from './views/v1/brokered.js';
import { baseUrl } from './client-view.js';

/** What the call works with. */
export interface OpeningParts {
  readonly inventory: Inventory;
  readonly sources: Sources;
  readonly tokens: ConsoleTokens;
  readonly events: AuditEvents;
  readonly files: ConsoleFiles;
  readonly permission: Permission;
  readonly clouds: OpenStackClouds;
  /** The name of this node, for audit. */
  readonly node: string;
}

/** A console that may be opened by the one who asks. */
interface Found {
  readonly source: string;
  readonly uuid: string;
  readonly name: string | null;
  readonly projectId: string | null;
}

const ABSENT = 'instance not found';
const UNKNOWN = 'console not found; with a login of Kerbside itself only consoles that it knows already open';
/** More sources than this do not have a machine of the same uuid. */
const MOST_SOURCES = 100;

/** Opens consoles. */
export class ConsoleOpening {
  constructor(private readonly parts: OpeningParts) {}

  /** Answers the call. @throws HttpFault, Unavailable */
  async answer(body: CreateConsoleBody, request: Request, response: Response): Promise<void> {
    const { tokens, files } = this.parts;
    const found = await this.#find(body, request);
    const { source, uuid, name } = found;
    const mint = { source, uuid, issuedTo: userOf(request) };
    if (wantsFile(request)) {
      const minted = await tokens.mint(mint);
      await this.#record(found, minted.sessionId);
      sendConsoleFile(response, await files.text({ uuid, name, ...minted }));
      return;
    }
    const minted = await tokens.mintLink(mint);
    await this.#record(found, minted.sessionId);
    const base = baseUrl(request);
    const console = viewBrokered({ ...found, ...minted }, await files.address(), base);
    response.location(`${base}/v1/sessions/${minted.sessionId}`).json({ console });
  }

  async #find(body: CreateConsoleBody, request: Request): Promise<Found> {
    const { permission } = this.parts;
    const secret = contextOf(request).token;
    const uuid = body.instance_uuid.toLowerCase();
    const { source, type } = body;
    const known = await this.#known(uuid, source, secret === undefined);
    const found =
      known ??
      (secret === undefined ? null : await this.#opened({ uuid, source, type, token: secret.reveal() }));
    if (found === null) throw new Absent(UNKNOWN);
    permission.demand(request, 'kerbside:consoles:show', found.projectId, ABSENT);
    return found;
  }

  /**
   * A console on record.
   * @param ours the asker has logged in to Kerbside: no cloud can be asked in their name
   */
  async #known(uuid: string, source: string | undefined, ours: boolean): Promise<Found | null> {
    const { inventory, sources } = this.parts;
    const { items } = await inventory.consoles({ limit: MOST_SOURCES }, { uuid, source });
    for (const { source: name, name: title, project_id: projectId } of items) {
      const of = await sources.find(name);
      if (of === null || of.deleted || (of.type === 'openstack' && !ours)) continue;
      return { source: name, uuid, name: title, projectId };
    }
    return null;
  }

  async #opened(request: OpenRequest): Promise<Found> {
    try {
      const { source, console } = await this.parts.clouds.open(request);
      const { name, projectId } = console;
      return { source, uuid: console.uuid, name, projectId: projectId ?? null };
    } catch (error) {
      throw refusalOf(error);
    }
  }

  async #record({ source, uuid }: Found, sessionId: string): Promise<void> {
    const { events, node } = this.parts;
    const message = AUDIT.tokenCreated;
    await events.record({ source, uuid, session_id: sessionId, node, pid: process.pid, message });
  }
}

function wantsFile(request: Request): boolean {
  return (request.headers.accept ?? '').includes('application/x-virt-viewer');
}

/** What Nova's refusal is to the one who asked. */
function refusalOf(error: unknown): unknown {
  if (error instanceof NotFound) return new Absent(error.message);
  if (error instanceof InstanceNotReady) {
    return error.why === 'gone' ? new Absent(ABSENT) : new HttpFault(409, error.message);
  }
  if (!(error instanceof NovaRefused)) return error;
  switch (error.status) {
    case 400:
      return new BadRequest(error.message);
    case 401:
      return new Unauthorized(error.message);
    case 403:
      return new Forbidden(error.message);
    case 501:
      return new HttpFault(501, error.message);
  }
}
