// SPDX-License-Identifier: Apache-2.0
// What a client makes of a certificate, found out as a client does: by a TLS handshake, in memory. OpenSSL decides about the
// chain, the dates, the purpose and the constraints, in the way in which spice-gtk has it decide.
import type { Socket } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import tls, { type SecureContext } from 'node:tls';

/** Why a client goes away. */
export interface Refusal {
  /** Such as CERT_HAS_EXPIRED. */
  readonly code: string;
  /** OpenSSL's own words. */
  readonly words: string;
}

/**
 * What the client demands of keys and signatures (OpenSSL's security levels): `usual` is level 2, as the distributions have
 * it, at least RSA-2048 and SHA-2; `any` is level 0.
 */
export type Strength = 'usual' | 'any';

const LEVELS: Readonly<Record<Strength, number>> = { usual: 2, any: 0 };

/**
 * A client.
 * @param ca the CA certificates that it trusts, PEM; undefined: those of Node
 */
export function clientContext(ca: string | undefined, strength: Strength): SecureContext {
  return tls.createSecureContext({
    ciphers: `${tls.DEFAULT_CIPHERS}:@SECLEVEL=${LEVELS[strength]}`,
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
  });
}

/**
 * Lets a client connect.
 * @returns null when it accepts the certificate
 */
export async function clientRefusal(server: SecureContext, client: SecureContext): Promise<Refusal | null> {
  const [near, far] = duplexPair();
  const serving = new tls.TLSSocket(asSocket(far), { isServer: true, secureContext: server });
  serving.on('error', () => undefined);
  try {
    return await new Promise((resolve) => {
      const connecting = tls.connect({
        ...{ socket: near, secureContext: client, rejectUnauthorized: true },
        checkServerIdentity: () => undefined,
      });
      connecting.once('secureConnect', () => resolve(null));
      connecting.on('error', (error: NodeJS.ErrnoException & { reason?: string }) =>
        resolve({ code: error.code ?? '', words: error.reason ?? error.message }),
      );
      connecting.once('close', () => resolve({ code: '', words: 'the connection was closed' }));
    });
  } finally {
    near.destroy();
    far.destroy();
  }
}

/** The types want a socket of the network; any stream will do (tls.TLSSocket in Node's documentation). */
function asSocket(stream: Duplex): Socket {
  return stream as Socket;
}
