// SPDX-License-Identifier: Apache-2.0
// The API's access tokens: JSON Web Tokens (RFC 7519), HS256 over [api] auth_secret_seed, with the claims that
// Kerbside deployments know. Signature, lifetime and type are checked; the issuer is not, because tokens are
// minted by hand in the field with no issuer at all.
import { createHash, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT, type CryptoKey } from 'jose';
import { KerbsideException } from '../exception.js';

/** Who a token speaks for. */
export interface TokenSubject {
  /** The name of the user: the claim `sub`. */
  readonly user: string;
  /** True only if the claim `kerbside_admin` is literally true. */
  readonly admin: boolean;
  /** The groups of the user: the claim `kerbside_groups`, a list of texts; absent: none. */
  readonly groups?: readonly string[];
}

/** What a verified token says. */
export interface VerifiedToken extends TokenSubject {
  /** The claim `csrf` of a token that was issued as a cookie; absent in all others. */
  readonly csrf?: string;
}

/** How a token is made. */
export interface MintOptions {
  /** The HS256 key, [api] auth_secret_seed; UTF-8. */
  readonly seed: string;
  /** The claim `iss`: the public host name. */
  readonly issuer: string;
  /** Lifetime in whole seconds. */
  readonly ttl: number;
  /** True for a token that travels in a cookie: it carries the value that X-CSRF-TOKEN must repeat. */
  readonly forCookie?: boolean;
  /** The time of issue in epoch seconds; now when absent. */
  readonly now?: number;
}

/** A new token. */
export interface MintedToken {
  readonly token: string;
  /** When it ends, epoch seconds. */
  readonly expires: number;
  /** The double submit value; present exactly if `forCookie` was set. */
  readonly csrf?: string;
}

/** The token is no JWT of ours, or not one that may be used now. */
export class TokenInvalid extends KerbsideException {}

/** The token was good, and its time is over. */
export class TokenExpired extends KerbsideException {}

/** Mints an access token (RFC 7519 section 4.1 for the registered claims). */
export async function mintToken(subject: TokenSubject, options: MintOptions): Promise<MintedToken> {
  const issued = Math.floor(options.now ?? Date.now() / 1000);
  const expires = issued + options.ttl;
  const csrf = options.forCookie === true ? { csrf: randomUUID() } : {};
  const groups = subject.groups?.length ? { kerbside_groups: subject.groups } : {};
  const claims = { fresh: false, type: 'access', kerbside_admin: subject.admin, ...groups, ...csrf };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(subject.user)
    .setIssuer(options.issuer)
    .setIssuedAt(issued)
    .setNotBefore(issued)
    .setExpirationTime(expires)
    .setJti(randomUUID())
    .sign(Buffer.from(options.seed, 'utf8'));
  return { token, expires, ...csrf };
}

/** Verifies a token, as verifyToken does. */
export type TokenVerifier = (token: string) => Promise<VerifiedToken>;

/** A token that was verified before. */
interface Remembered {
  readonly verified: VerifiedToken;
  /** Epoch seconds. */
  readonly expires: number;
}

/** How a verifier is made. */
export interface VerifierOptions {
  /** Milliseconds since 1970; tests replace it. */
  readonly now?: () => number;
  /** Tokens that it remembers at most; a thousand users at once are many. */
  readonly most?: number;
}

/**
 * A verifier for many requests: it imports the key once, and checks the signature of a token that it has seen before
 * no second time: Web Crypto works in another thread, and asking it costs more than the HMAC itself. A remembered token
 * ends when it says.
 */
export function tokenVerifier(
  seed: string,
  { now = Date.now, most = 1000 }: VerifierOptions = {},
): TokenVerifier {
  const remembered = new Map<string, Remembered>();
  let key: Promise<CryptoKey> | undefined;
  return async (token) => {
    const name = createHash('sha256').update(token).digest('base64');
    const known = remembered.get(name);
    if (known !== undefined) {
      if (known.expires > Math.floor(now() / 1000)) return known.verified;
      remembered.delete(name);
    }
    key ??= importKey(seed);
    const { exp, ...claims } = await verifiedClaims(token, await key, now());
    const verified = verifiedToken(claims);
    const [oldest] = remembered.keys();
    if (remembered.size >= most && oldest !== undefined) remembered.delete(oldest);
    remembered.set(name, { verified, expires: exp });
    return verified;
  };
}

/**
 * Verifies an access token: HS256 signature, exp (demanded), nbf, type, sub.
 * @throws TokenExpired if only its time is over
 * @throws TokenInvalid for every other fault; the message is safe to show
 */
export function verifyToken(token: string, seed: string): Promise<VerifiedToken> {
  return tokenVerifier(seed)(token);
}

function importKey(seed: string): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return globalThis.crypto.subtle.importKey('raw', Buffer.from(seed, 'utf8'), algorithm, false, ['verify']);
}

function verifiedToken(claims: Readonly<Record<string, unknown>>): VerifiedToken {
  if (claims['type'] !== 'access') throw new TokenInvalid('not an access token');
  const user = claims['sub'];
  if (typeof user !== 'string' || user === '') throw new TokenInvalid('the token names no user');
  const csrf = claims['csrf'];
  const groups = groupsIn(claims['kerbside_groups']);
  const known = {
    user,
    admin: claims['kerbside_admin'] === true,
    ...(groups.length === 0 ? {} : { groups }),
  };
  return { ...known, ...(typeof csrf === 'string' ? { csrf } : {}) };
}

function groupsIn(claim: unknown): string[] {
  return Array.isArray(claim) ? claim.filter((group): group is string => typeof group === 'string') : [];
}

async function verifiedClaims(
  token: string,
  key: CryptoKey,
  now: number,
): Promise<Record<string, unknown> & { exp: number }> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      requiredClaims: ['exp'],
      currentDate: new Date(now),
    });
    return { ...payload, exp: payload.exp ?? 0 };
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): KerbsideException {
  const cause = { cause: error };
  if (error instanceof errors.JWTExpired) return new TokenExpired('Signature has expired', cause);
  if (error instanceof errors.JWTClaimValidationFailed) {
    const tooEarly = error.claim === 'nbf' && error.reason === 'check_failed';
    return new TokenInvalid(
      tooEarly
        ? 'The token is not yet valid (nbf)'
        : `the token's claim ${error.claim} is missing or malformed`,
      cause,
    );
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return new TokenInvalid('The specified alg value is not allowed', cause);
  }
  return new TokenInvalid('invalid JWT in Authorization header', cause);
}
