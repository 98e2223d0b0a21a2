// SPDX-License-Identifier: Apache-2.0
// The public keys with which a cluster's console tokens are verified, kept for a while. A key that is not known is asked for
// again, but not often: whoever makes up a token chooses its key id.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { Unavailable } from '../../exception.js';
import { unlessAborted } from '../../net/deadline.js';
import { listOf, objectOf, textOf } from '../json.js';

/** What the keys are asked from, and by which clock. */
export interface SigningKeysOptions {
  /** The cluster's answer; null: it has none. @throws Unavailable */
  readonly fetch: () => Promise<unknown>;
  /** Milliseconds of a clock that is never set; tests replace it. */
  readonly now?: (() => number) | undefined;
}

type Keys = ReadonlyMap<string, KeyObject>;

/** A cluster publishes two at most; more than this are no list of keys. */
const MOST = 16;
/** A rotation drops keys: none is believed longer, while the cluster answers. */
const LIFETIME_MS = 300_000;
/** From one question to the next about an unknown key. */
const SPACING_MS = 10_000;
const KEY_ID = /^[\w.-]{1,128}$/;

/** The keys of one cluster. */
export class SigningKeys {
  private readonly now: () => number;
  private known: { readonly keys: Keys; readonly at: number } | undefined;
  private askedAt: number | undefined;
  private fault: Error | undefined;
  private pending: Promise<void> | undefined;

  constructor(private readonly options: SigningKeysOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  /**
   * The key of an id; null when the cluster has none such.
   * @throws Unavailable when the cluster cannot be asked, and the id is none of those that are known
   */
  async find(id: string, signal: AbortSignal): Promise<KeyObject | null> {
    if (this.isFresh()) {
      const key = this.known?.keys.get(id);
      if (key !== undefined) return key;
    }
    if (this.askedAt === undefined || this.now() - this.askedAt >= SPACING_MS || this.pending !== undefined)
      await this.ask(signal);
    const key = this.known?.keys.get(id);
    if (key !== undefined) return key;
    if (this.fault !== undefined) throw this.fault;
    return null;
  }

  private isFresh(): boolean {
    return this.known !== undefined && this.now() - this.known.at < LIFETIME_MS;
  }

  private async ask(signal: AbortSignal): Promise<void> {
    this.pending ??= this.read().finally(() => {
      this.pending = undefined;
    });
    if (
      (await unlessAborted(
        this.pending.then(() => true),
        signal,
      )) === null
    )
      throw new Unavailable('the signing keys did not come in time');
  }

  // What was known stays while the cluster does not answer.
  private async read(): Promise<void> {
    this.askedAt = this.now();
    try {
      const answer = await this.options.fetch();
      this.known = { keys: answer === null ? new Map() : readKeys(answer), at: this.now() };
      this.fault = undefined;
    } catch (error) {
      this.fault = error as Error;
    }
  }
}

/** The keys of an answer by their ids; those that are no Ed25519 are left out. @throws Unavailable when it is no list of keys */
export function readKeys(answer: unknown): Keys {
  const items = listOf(objectOf(answer)?.['keys']);
  if (items === null || items.length > MOST)
    throw new Unavailable('the cluster answered with something that is not a list of signing keys');
  const keys = new Map<string, KeyObject>();
  for (const item of items) {
    const members = objectOf(item);
    const id = textOf(members?.['kid']);
    const key = publicKey(textOf(members?.['public_pem']));
    if (id !== null && KEY_ID.test(id) && members?.['alg'] === 'EdDSA' && key !== null) keys.set(id, key);
  }
  return keys;
}

function publicKey(pem: string | null): KeyObject | null {
  // A private key would be taken as well: what holds one is nothing to go on with.
  if (pem === null || !pem.startsWith('-----BEGIN PUBLIC KEY-----')) return null;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : null;
  } catch {
    return null;
  }
}
