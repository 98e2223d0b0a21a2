// SPDX-License-Identifier: Apache-2.0
// Console tokens: what a .vv file carries as its SPICE password. Only their SHA-256 is kept.
import { createHash, randomInt } from 'node:crypto';
import { insertSession } from '../db/api/console-sessions.js';
import { insertToken } from '../db/api/console-tokens.js';
import { findConsole } from '../db/api/consoles.js';
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
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** The name of a token in logs and answers: first 12 hex digits of its SHA-256. */
export function fingerprint(token: string): string {
  return fingerprintOfHash(hashToken(token));
}

/** The same from the hash. */
export function fingerprintOfHash(hash: string): string {
  return hash.slice(0, FINGERPRINT_LENGTH);
}

/** Makes tokens. */
export class ConsoleTokens {
  readonly #db: Database;
  readonly #ttl: number;
  readonly #now: Clock;

  constructor(db: Database, options: ConsoleTokenOptions) {
    this.#db = db;
    this.#ttl = options.tokenTtl;
    this.#now = options.now ?? systemClock;
  }

  /**
   * Makes a token and its pending session.
   * @throws NotFound when the console does not exist
   */
  async mint(request: MintRequest): Promise<MintedToken> {
    const { source, uuid } = request;
    if ((await findConsole(this.#db, source, uuid)) === null) throw new NotFound('console not found');
    const created = this.#now();
    const sessionId = await this.#insertSession(source, uuid, created);
    const token = alphanumerics(TOKEN_LENGTH);
    const expires = created + this.#ttl;
    // The session came first: a token without a session would be a way in that leads nowhere.
    await insertToken(this.#db, {
      token_hash: hashToken(token),
      session_id: sessionId,
      source,
      uuid,
      issued_to: request.issuedTo.slice(0, LONGEST_NAME),
      created,
      expires,
    });
    return { token, sessionId, expires };
  }

  async #insertSession(source: string, uuid: string, created: number): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      const sessionId = alphanumerics(SESSION_ID_LENGTH);
      try {
        await insertSession(this.#db, { session_id: sessionId, source, uuid, created });
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
