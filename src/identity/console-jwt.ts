// SPDX-License-Identifier: Apache-2.0
// Console tokens that a platform signs: JSON Web Tokens (RFC 7519) with EdDSA over Ed25519 (RFC 8037), verified with the
// platform's public key alone. Every fault has one of the texts that clients of the original know.
import type { KeyObject } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { KerbsideException } from '../exception.js';

/** Why a token is refused, in the words of the original. */
export type ConsoleJwtFault =
  | 'malformed token'
  | 'unknown signing key'
  | 'invalid token signature'
  | 'token expired'
  | 'token audience rejected'
  | 'token rejected'
  | 'token already used';

/** A token that is refused. */
export class ConsoleJwtRefused extends KerbsideException {
  constructor(
    readonly fault: ConsoleJwtFault,
    options?: ErrorOptions,
  ) {
    super(fault, options);
  }
}

/** What a verified token says. */
export interface ConsoleJwt {
  /** The machine: the claim `sub`. */
  readonly uuid: string;
  /** The name of the token, which is good once: the claim `jti`. */
  readonly tokenId: string;
  /** When it ends, epoch seconds. */
  readonly expires: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

const ALGORITHM = 'EdDSA';
/** The longest that is looked at; a token of Shaken Fist has about 450 characters. */
const LONGEST = 8192;
const LONGEST_KEY_ID = 128;
const LONGEST_TOKEN_ID = 255;
const LONGEST_UUID = 36;

/** The id of the key that a token claims to be signed with. @throws ConsoleJwtRefused when it is no token of this kind */
export function keyIdOf(token: string): string {
  if (token.length > LONGEST) throw new ConsoleJwtRefused('malformed token');
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(token);
  } catch (cause) {
    throw new ConsoleJwtRefused('malformed token', { cause });
  }
  const { alg, kid } = header;
  // Before any key is looked for: no other algorithm is ever tried.
  if (alg !== ALGORITHM || typeof kid !== 'string' || kid === '' || kid.length > LONGEST_KEY_ID)
    throw new ConsoleJwtRefused('malformed token');
  return kid;
}

/**
 * Verifies a token: signature, time, audience, and that it says which machine it is for and how it is called.
 * @param now milliseconds since 1970
 * @throws ConsoleJwtRefused
 */
export async function verifyConsoleJwt(
  token: string,
  key: KeyObject,
  audience: string,
  now: number,
): Promise<ConsoleJwt> {
  const claims = await verifiedClaims(token, key, now);
  const { sub, aud, exp, jti } = claims;
  if (![aud].flat().includes(audience)) throw new ConsoleJwtRefused('token audience rejected');
  if (typeof sub !== 'string' || sub === '' || sub.length > LONGEST_UUID)
    throw new ConsoleJwtRefused('token rejected');
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_TOKEN_ID)
    throw new ConsoleJwtRefused('token rejected');
  return { uuid: sub, tokenId: jti, expires: Number(exp), claims };
}

async function verifiedClaims(
  token: string,
  key: KeyObject,
  now: number,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      requiredClaims: ['exp', 'aud', 'sub', 'jti'],
      currentDate: new Date(now),
    });
    return payload;
  } catch (cause) {
    throw new ConsoleJwtRefused(faultOf(cause), { cause });
  }
}

function faultOf(error: unknown): ConsoleJwtFault {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'invalid token signature';
  if (error instanceof errors.JWTExpired) return 'token expired';
  if (error instanceof errors.JWTClaimValidationFailed) return 'token rejected';
  return 'malformed token';
}
