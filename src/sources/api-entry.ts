// SPDX-License-Identifier: Apache-2.0
// The keys of entries whose platform is asked over HTTP with a name and a password: demanded and judged when sources.yaml is
// read, and again when a driver is made of what the database has kept of them.
import { rootCertificates } from 'node:tls';
import { Secret } from '../conf/secret.js';
import { InvalidInput } from '../exception.js';
import type { HttpOptions } from '../identity/http-client.js';
import type { SourceDefinition } from '../objects/source.js';
import type { FieldReader } from './file/field-reader.js';
import { verificationOf } from './verification.js';

/** What the platform calls the values, for faults. */
export interface ApiWords {
  /** As in `the URL of the API`. */
  readonly url: string;
  /** As in `a namespace`. */
  readonly username: string;
  /** As in `a key of the namespace`. */
  readonly password: string;
}

/** How a platform is asked. */
export interface ApiLogin {
  /** Without a slash at its end. */
  readonly url: string;
  readonly username: string;
  readonly password: Secret;
  readonly http: Pick<HttpOptions, 'ca' | 'insecure' | 'cafile' | 'cafileFrom'>;
}

const MAX_PATH = 1024;
const TRUE = ['true', 'yes', 'on', '1'] as const;
const FALSE = ['false', 'no', 'off', '0'] as const;

/** Demands `url`, `username` and `password`, and reads `verify`. @returns the options that are to be kept */
export function readApiKeys(fields: FieldReader, words: ApiWords): Record<string, string> {
  for (const key of ['url', 'username', 'password'] as const)
    if (!fields.given(key)) fields.fault(key, `is missing; give ${words[key]}`);
  const url = fields.text('url', MAX_PATH);
  const fault = url === null ? null : apiUrlFault(url);
  if (fault !== null) fields.fault('url', `${fault}; give ${words.url}`);
  const verify = fields.text('verify', MAX_PATH);
  return verify === null ? {} : { verify };
}

/** A key that is true or false; false when it is absent. */
export function readFlag(fields: FieldReader, key: string): boolean {
  const word = fields.word(key, [...TRUE, ...FALSE]);
  return word !== null && isTrue(word);
}

/** Whether a kept option says true. */
export function isTrue(option: string | undefined): boolean {
  return TRUE.some((word) => word === option?.toLowerCase());
}

/**
 * How the platform of a source is asked. Its API may have a certificate of the CA in `ca_cert`, or of one that the system
 * trusts, unless `verify` names a file.
 * @throws InvalidInput when the definition lacks something
 */
export function apiLoginOf(definition: SourceDefinition): ApiLogin {
  const { name, url, username, password } = definition;
  const source = `source ${JSON.stringify(name)}`;
  if (!url || !username || !password) throw new InvalidInput(`${source} lacks url, username or password`);
  const fault = apiUrlFault(url);
  if (fault !== null) throw new InvalidInput(`${source}, url: ${fault}`);
  return {
    ...{ url: url.replace(/\/+$/, ''), username, password: new Secret(password) },
    http: apiTlsOf(definition),
  };
}

/** Whose certificates an API may have: of the CA in `ca_cert` or of one that the system trusts, unless `verify` says otherwise. */
export function apiTlsOf({ name, caCert, options = {} }: SourceDefinition): ApiLogin['http'] {
  const verification = verificationOf(options['verify'], `source ${JSON.stringify(name)}, verify`);
  const ca =
    caCert && verification.cafile === undefined ? [...rootCertificates, caCert].join('\n') : undefined;
  return { ...verification, ...(ca === undefined ? {} : { ca }) };
}

/** What is wrong with a URL of an API; null: nothing. A password in it would be shown wherever the source is. */
export function apiUrlFault(text: string): string | null {
  if (!URL.canParse(text)) return 'is not a URL';
  const { protocol, username, password, search, hash } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return 'is not a URL of http or https';
  if (username !== '' || password !== '') return 'holds a user or a password; these have keys of their own';
  return search !== '' || hash !== '' ? 'holds a query or a fragment' : null;
}
