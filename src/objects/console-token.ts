// SPDX-License-Identifier: Apache-2.0
// Console tokens: what a .vv file carries as its SPICE password. Only their SHA-256 is kept.
import { hash, randomInt } from 'node:crypto';
import { insertSessionOfConsole } from '../db/api/console-sessions.js';
import { insertToken, replaceUnusedToken } from '../db/api/console-tokens.js';
import type { Database } from '../db/database.js';
import { DuplicateRow } from '../db/faults.js';
import { NotFound } from '../exception.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';

export interface MintRequest {
  source: string;
  uuid: string;
  /** User the token is made for, for audit. */
  issuedTo: string;
  /** The names under which lists of access know the user; absent: the session does not depend on such a list. */
  principals?: readonly string[] | undefined;
  /** Whether its session ends another one at the console that would refuse it; absent: no. */
  replaces?: boolean;
}

/** A fresh token; `token` is a secret and is given this once. */
export interface MintedToken {
  /** 48 alphanumerics. */
  token: string;
  /** 12 alphanumerics. */
  sessionId: string;
  /** Epoch seconds until which the token may start a session. */
  expires: number;
}

/** The right to fetch a console's token once. */
export interface MintedLink {
  /** 48 alphanumerics; a secret, given this once. It is no token: no SPICE server of ours takes it. */
  key: string;
  sessionId: string;
  /** Epoch seconds until which the key works, and the token that it gives may start a session. */
  expires: number;
}

export interface ConsoleTokenOptions {
  /** `[console] token_ttl`, seconds. */
  readonly tokenTtl: number;
  /** Epoch seconds; tests replace it. */
  readonly now?: Clock;
}

const ALPHANUMERICS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** A SPICE ticket has room for 60 bytes; 48 alphanumerics carry 285 bits. */
const TOKEN_LENGTH = 48;
const SESSION_ID_LENGTH = 12;
const FINGERPRINT_LENGTH = 12;
const ATTEMPTS = 5;
const LONGEST_NAME = 255;

/** SHA-256 of a token, in hex: what the database keeps. */
export function hashToken(token: string): string {
  return hash('sha256', token);
}

/** The name of a token in logs and answers: first 12 hex digits of its SHA-256. */
export function fingerprint(token: string): string {
  return fingerprintOfHash(hashToken(token));
}

/** The same from the hash. */
export function fingerprintOfHash(hash: string): string {
  return hash.slice(0, FINGERPRINT_LENGTH);
}

/** SHA-256 of the key of a link. A ticket has at most 60 bytes, so that no ticket has the same. */
function hashKey(sessionId: string, key: string): string {
  return hashToken(`link ${sessionId} ${key}`);
}

/** Makes tokens. */
export class ConsoleTokens {
  private readonly db: Database;
  private readonly ttl: number;
  private readonly now: Clock;

  constructor(db: Database, options: ConsoleTokenOptions) {
    this.db = db;
    this.ttl = options.tokenTtl;
    this.now = options.now ?? systemClock;
  }

  /**
   * Makes a token and its pending session.
   * @throws NotFound when the console does not exist
   */
  async mint(request: MintRequest): Promise<MintedToken> {
    const token = alphanumerics(TOKEN_LENGTH);
    return { token, ...(await this.insert(request, () => hashToken(token))) };
  }

  /**
   * Makes a pending session whose token is made when somebody comes with the key.
   * @throws NotFound when the console does not exist
   */
  async mintLink(request: MintRequest): Promise<MintedLink> {
    const key = alphanumerics(TOKEN_LENGTH);
    return { key, ...(await this.insert(request, (sessionId) => hashKey(sessionId, key))) };
  }

  /** The token of a session, for the key of its link: once. null: fetched before, expired, ended, or never such a key. */
  async redeem(sessionId: string, key: string): Promise<string | null> {
    const token = alphanumerics(TOKEN_LENGTH);
    const from = hashKey(sessionId, key);
    return (await replaceUnusedToken(this.db, from, hashToken(token), this.now())) ? token : null;
  }

  private async insert(
    request: MintRequest,
    hashOf: (sessionId: string) => string,
  ): Promise<{ sessionId: string; expires: number }> {
    const { source, uuid } = request;
    const created = this.now();
    const sessionId = await this.insertSession(source, uuid, created);
    const expires = created + this.ttl;
    // The session came first: a token without a session would be a way in that leads nowhere.
    await insertToken(this.db, {
      token_hash: hashOf(sessionId),
      session_id: sessionId,
      source,
      uuid,
      issued_to: request.issuedTo.slice(0, LONGEST_NAME),
      created,
      expires,
      principals: request.principals === undefined ? null : JSON.stringify(request.principals),
      replaces: request.replaces === true ? 1 : 0,
    });
    return { sessionId, expires };
  }

  private async insertSession(source: string, uuid: string, created: number): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      const sessionId = alphanumerics(SESSION_ID_LENGTH);
      try {
        const row = { session_id: sessionId, source, uuid, created };
        if (!(await insertSessionOfConsole(this.db, row))) throw new NotFound('console not found');
        return sessionId;
      } catch (error) {
        if (!(error instanceof DuplicateRow) || attempt === ATTEMPTS) throw error;
      }
    }
  }
}

function alphanumerics(length: number): string {
  return Array.from({ length }, () => ALPHANUMERICS.charAt(randomInt(ALPHANUMERICS.length))).join('');
}
