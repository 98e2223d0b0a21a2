// SPDX-License-Identifier: Apache-2.0
// A source: one cloud, or one list of static consoles, as sources.yaml names it.
import {
  deleteSource,
  findSource,
  findSourcePassword,
  listSources,
  listSourcesOfType,
  markSourceSeen,
  setSourceError,
  upsertSource,
} from '../db/api/sources.js';
import { settingsOfSources } from '../db/api/console-settings.js';
import type { ShownSourceRow } from '../db/api/sources.js';
import type { Database } from '../db/database.js';
import { refreshKey } from '../db/keys.js';
import { passwordContext } from '../db/encryption-contexts.js';
import { InvalidInput } from '../exception.js';
import { onlyCertificates } from '../tls/pem.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import { NO_SETTINGS, settingsIn, settingsText, type OwnSettings } from './own-settings.js';
import { pageOf } from './page.js';
import type { Page, PageRequest } from './page.js';

/** What sources.yaml says about a source. `password` is a secret, encrypted at rest. */
export interface SourceDefinition {
  name: string;
  type: string;
  url?: string | null | undefined;
  caCert?: string | null | undefined;
  username?: string | null | undefined;
  password?: string | null | undefined;
  projectName?: string | null | undefined;
  userDomainId?: string | null | undefined;
  projectDomainId?: string | null | undefined;
  /** Settings of the driver beyond these, by their keys in sources.yaml. No secrets. */
  options?: Readonly<Record<string, string>> | undefined;
  /** What holds for its consoles, where they say nothing themselves. */
  settings?: OwnSettings | undefined;
}

/** A source as the API shows it: no password. */
export interface Source {
  name: string;
  type: string;
  /** Epoch seconds of the last good discovery; null before the first. */
  lastSeen: number | null;
  /** Node that did it. */
  seenBy: string | null;
  errored: boolean;
  /** Why, in one line; null when not errored. */
  error: string | null;
  url: string | null;
  caCert: string | null;
  username: string | null;
  projectName: string | null;
  userDomainId: string | null;
  projectDomainId: string | null;
  deleted: boolean;
}

/** `password`: sealed, it takes a third more of its column. */
const LONGEST = { name: 255, type: 20, text: 255, password: 1400, url: 1024, error: 1024 } as const;

/** The sources of this site. */
export class Sources {
  private readonly db: Database;
  private readonly now: Clock;
  private readonly changed: (name: string, fault: string | null) => void;
  private readonly settingsChanged: (name: string) => void;

  /**
   * @param options changed: called once for each distinct fault, and for its end (null); settingsChanged: called when what a
   * source says for itself is something else than before
   */
  constructor(
    db: Database,
    options: {
      now?: Clock;
      changed?: (name: string, fault: string | null) => void;
      settingsChanged?: (name: string) => void;
    } = {},
  ) {
    this.db = db;
    this.now = options.now ?? systemClock;
    this.changed = options.changed ?? (() => undefined);
    this.settingsChanged = options.settingsChanged ?? (() => undefined);
  }

  /**
   * Inserts or updates a source and clears its `deleted` mark; last_seen and error stay.
   * @throws InvalidInput when a value is too long
   */
  async upsert(source: SourceDefinition): Promise<void> {
    check(source);
    const password = source.password ?? '';
    if (password !== '') await refreshKey(this.db);
    const [before] = await settingsOfSources(this.db, [source.name]);
    const settings = settingsText(source.settings ?? NO_SETTINGS);
    await upsertSource(this.db, {
      name: source.name,
      type: source.type,
      url: source.url ?? null,
      ca_cert: source.caCert ?? null,
      username: source.username ?? null,
      password: password === '' ? null : this.db.cipher.seal(passwordContext(source.name), password),
      project_name: source.projectName ?? null,
      user_domain_id: source.userDomainId ?? null,
      project_domain_id: source.projectDomainId ?? null,
      options: source.options === undefined ? null : JSON.stringify(source.options),
      settings,
    });
    if (before !== undefined && before.settings !== settings) this.settingsChanged(source.name);
  }

  /** A good discovery by `node`: sets last_seen and seen_by, and the error to what is wrong with a part of the source. */
  async markSeen(name: string, node: string, fault: string | null = null): Promise<void> {
    await this.setError(name, fault);
    await markSourceSeen(this.db, name, node, this.now());
  }

  /** Soft-deletes. false: unknown or already deleted. */
  async markDeleted(name: string): Promise<boolean> {
    return deleteSource(this.db, name);
  }

  /** Sets the error that the API shows, or clears it. */
  async setError(name: string, text: string | null): Promise<void> {
    const fault = text?.slice(0, LONGEST.error) ?? null;
    if (await setSourceError(this.db, name, fault)) this.changed(name, fault);
  }

  /** By name; deleted ones are left out unless asked for. */
  async list(page: PageRequest, options: { deleted?: boolean } = {}): Promise<Page<Source>> {
    const rows = await listSources(this.db, page.marker ?? '', page.limit + 1, options.deleted ?? false);
    return pageOf(rows, page.limit, toSource, ({ name }) => name);
  }

  /** One source, a deleted one too. */
  async find(name: string): Promise<Source | null> {
    const row = await findSource(this.db, name);
    return row === null ? null : toSource(row);
  }

  /** What sources.yaml says about all sources of one platform, passwords included. */
  async definitions(type: string): Promise<SourceDefinition[]> {
    const rows = await listSourcesOfType(this.db, type);
    if (rows.some(({ password }) => password !== null)) await refreshKey(this.db);
    return rows.map((row) => ({
      name: row.name,
      type: row.type,
      url: row.url,
      caCert: row.ca_cert,
      username: row.username,
      password: row.password === null ? null : this.db.cipher.open(passwordContext(row.name), row.password),
      projectName: row.project_name,
      userDomainId: row.user_domain_id,
      projectDomainId: row.project_domain_id,
      options: row.options === null ? undefined : (JSON.parse(row.options) as Record<string, string>),
      ...(row.settings === null ? {} : { settings: settingsIn(row.settings) }),
    }));
  }

  /** The decrypted password of a source; null when it has none. */
  async password(name: string): Promise<string | null> {
    const sealed = await findSourcePassword(this.db, name);
    return sealed === null ? null : this.db.cipher.open(passwordContext(name), sealed);
  }
}

function check(source: SourceDefinition): void {
  const limits: [string, string | null | undefined, number][] = [
    ['source', source.name, LONGEST.name],
    ['type', source.type, LONGEST.type],
    ['url', source.url, LONGEST.url],
    ['username', source.username, LONGEST.text],
    ['password', source.password, LONGEST.password],
    ['project_name', source.projectName, LONGEST.text],
    ['user_domain_id', source.userDomainId, LONGEST.text],
    ['project_domain_id', source.projectDomainId, LONGEST.text],
  ];
  if (source.name === '') throw new InvalidInput('source: empty name; give it one');
  for (const [field, value, longest] of limits) {
    if ((value?.length ?? 0) > longest)
      throw new InvalidInput(`${field}: too long; at most ${longest} characters`);
  }
}

function toSource(row: ShownSourceRow): Source {
  return {
    name: row.name,
    type: row.type,
    lastSeen: row.last_seen,
    seenBy: row.seen_by,
    errored: row.errored !== 0,
    error: row.error,
    url: row.url,
    caCert: onlyCertificates(row.ca_cert),
    username: row.username,
    projectName: row.project_name,
    userDomainId: row.user_domain_id,
    projectDomainId: row.project_domain_id,
    deleted: row.deleted !== 0,
  };
}
