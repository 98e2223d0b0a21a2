// SPDX-License-Identifier: Apache-2.0
// Describes faults of the broker for operators: one line, bounded, without secrets.

/** A fault whose message is for operators already. */
export class BrokerFault extends Error {}

const MAX_LENGTH = 240;
const ACCESS_REFUSED = 403;
const NOT_ALLOWED = 530;

const SYSTEM_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name does not resolve for now',
  EPIPE: 'connection closed',
  ETIMEDOUT: 'no answer',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate names another host (ssl_enforce_hostname_verification)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of an unknown authority (ssl_ca_file)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an unknown authority (ssl_ca_file)',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is of an unknown authority (ssl_ca_file)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an unknown authority (ssl_ca_file)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an unknown authority (ssl_ca_file)',
};

/** What a thrown value has; errors of Node's own need not be instances of the Error of this module. */
interface Thrown {
  readonly message: string;
  readonly code?: unknown;
}

function asThrown(error: unknown): Thrown | undefined {
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  return typeof error.message === 'string' ? (error as Thrown) : undefined;
}

/** The code of AMQP that a fault has, such as 404; undefined when it has none. */
export function replyCode(error: unknown): number | undefined {
  const thrown = asThrown(error);
  if (typeof thrown?.code === 'number') return thrown.code;
  // The library keeps no code of what happens before a connection is open, and of the last step not even the words.
  const message = thrown?.message ?? '';
  if (message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')) return NOT_ALLOWED;
  const handshake = /^Handshake terminated by server: (\d{3})/.exec(message)?.[1];
  return handshake === undefined ? undefined : Number(handshake);
}

/** The argument that a fault names, such as `durable` of "inequivalent arg 'durable' for exchange"; undefined when it is another. */
export function inequivalent(error: unknown): string | undefined {
  const message = asThrown(error)?.message ?? '';
  return /inequivalent arg '(?<name>[a-z_-]{1,64})'/.exec(message)?.groups?.['name'];
}

function inWords(error: Thrown): string {
  const known = typeof error.code === 'string' ? SYSTEM_FAULTS[error.code] : undefined;
  if (known !== undefined) return known;
  // The broker's own words repeat the user at most, never the password.
  const said = error.message.replace(/^.*?with message "/s, '').replace(/"$/, '');
  const code = replyCode(error);
  if (code === NOT_ALLOWED) return 'the virtual host does not exist, or the user may not use it';
  if (code === ACCESS_REFUSED) return `refused by the broker (user, password and permissions): ${said}`;
  return said;
}

/** A fault in one line. */
export function describeFault(error: unknown): string {
  const thrown = asThrown(error);
  const text = thrown === undefined ? 'unknown fault' : inWords(thrown);
  return text.replace(/\s+/g, ' ').slice(0, MAX_LENGTH);
}
