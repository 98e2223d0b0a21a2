// SPDX-License-Identifier: Apache-2.0
// What went wrong at the broker, in words for operators: one line, bounded, without secrets.

/** A fault that has been put in words already. */
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
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate names another host (ssl_enforce_hostname_verification)',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of an unknown authority (ssl_ca_file)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an unknown authority (ssl_ca_file)',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is of an unknown authority (ssl_ca_file)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an unknown authority (ssl_ca_file)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an unknown authority (ssl_ca_file)',
};

/** The code of AMQP that a fault has, such as 404; undefined when it has none. */
export function replyCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  if (typeof code === 'number') return code;
  const handshake = /^Handshake terminated by server: (\d{3})/.exec(error.message)?.[1];
  return handshake === undefined ? undefined : Number(handshake);
}

/** What a fault is about, such as `durable` of "inequivalent arg 'durable' for exchange"; undefined when it is another. */
export function inequivalent(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return /inequivalent arg '(?<name>[a-z_-]{1,64})'/.exec(error.message)?.groups?.['name'];
}

function inWords(error: Error): string {
  if (error instanceof BrokerFault) return error.message;
  const { code: systemCode } = error as { code?: unknown };
  const known = typeof systemCode === 'string' ? SYSTEM_FAULTS[systemCode] : undefined;
  if (known !== undefined) return known;
  // The broker's own words repeat the user at most, never the password.
  const said = error.message.replace(/^.*?with message "/s, '').replace(/"$/, '');
  const code = replyCode(error);
  if (code === ACCESS_REFUSED) return `refused by the broker (user, password and permissions): ${said}`;
  if (code === NOT_ALLOWED) return `not allowed by the broker (virtual host): ${said}`;
  return said;
}

/** A fault in one line. */
export function describeFault(error: unknown): string {
  const text = error instanceof Error ? inWords(error) : 'unknown fault';
  return text.replace(/\s+/g, ' ').slice(0, MAX_LENGTH);
}
