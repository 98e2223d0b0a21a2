// SPDX-License-Identifier: Apache-2.0
// Console tokens: what a .vv file carries as its SPICE password. Only their SHA-256 is kept.
import type { Database } from '../db/database.js';

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
  readonly now?: () => number;
}

/** The name of a token in logs and answers: first 12 hex digits of its SHA-256. */
export declare function fingerprint(token: string): string;

export declare class ConsoleTokens {
  constructor(db: Database, options: ConsoleTokenOptions);
  /** Makes a token and its pending session. @throws NotFound when the console does not exist */
  mint(request: MintRequest): Promise<MintedToken>;
}
