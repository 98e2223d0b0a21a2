// SPDX-License-Identifier: Apache-2.0
// What a kubevirt entry of sources.yaml says: where the Kubernetes API is, the bearer token of a ServiceAccount that Kerbside shows
// there, as text or as a file that the cluster renews, and the namespaces whose machines are served.
import { InvalidInput } from '../../exception.js';
import type { SourceDefinition } from '../../objects/source.js';
import { Secret } from '../../conf/secret.js';
import { apiTlsOf, apiUrlFault, type ApiLogin } from '../api-entry.js';
import type { FieldReader } from '../file/field-reader.js';

/** The keys that only kubevirt entries have. */
export const KUBEVIRT_KEYS = ['token', 'token_file', 'namespaces', 'verify'] as const;

/** The keys of an entry that its login is made of; Kubernetes asks for no name. */
export const KUBEVIRT_CREDENTIALS = { username: 'username', password: 'token' } as const;

/** Bytes of a token in the entry: sealed, it still fits its column. A ServiceAccount's has about a thousand. */
export const MAX_TOKEN_BYTES = 1400;

const MAX_URL = 1024;
const MAX_PATH = 1024;
/** Characters of all namespaces together. */
const MAX_NAMESPACES = 4096;
/** A label of RFC 1123, as Kubernetes has its namespaces. */
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PRINTABLE = /^[\x21-\x7e]+$/;

/** How a cluster is asked. */
export interface KubeVirtLogin {
  /** Without a slash at its end. */
  readonly url: string;
  /** The token, or the path of the file that holds it now. */
  readonly token: Secret | { readonly file: string };
  /** Whose machines are served; empty: all. */
  readonly namespaces: readonly string[];
  readonly http: ApiLogin['http'];
}

/** Reads and judges the keys that only kubevirt entries have, and demands those that it cannot be without. */
export function readKubeVirt(fields: FieldReader): Record<string, string> {
  const url = fields.text('url', MAX_URL);
  const fault = url === null ? 'is missing' : apiUrlFault(url);
  if (fault !== null)
    fields.fault('url', `${fault}; give the URL of the Kubernetes API, as https://k8s.example.com:6443`);
  for (const key of ['username', 'password'] as const)
    if (fields.given(key))
      fields.fault(
        key,
        'is not a key of kubevirt; give the token of a ServiceAccount as token or token_file',
      );
  const tokenFile = readToken(fields);
  const namespaces = readNamespaces(fields);
  const verify = fields.text('verify', MAX_PATH);
  return {
    ...(tokenFile === null ? {} : { token_file: tokenFile }),
    ...(namespaces === null ? {} : { namespaces }),
    ...(verify === null ? {} : { verify }),
  };
}

/** Whether a text is a token as it stands. */
export function isToken(text: string): boolean {
  return PRINTABLE.test(text);
}

/**
 * How the cluster of a source is asked.
 * @throws InvalidInput when the definition lacks something
 */
export function kubeVirtLogin(definition: SourceDefinition): KubeVirtLogin {
  const { name, url, password, options = {} } = definition;
  const owner = `source ${JSON.stringify(name)}`;
  const { token_file: file, namespaces = '' } = options;
  if (!url || (!password && file === undefined))
    throw new InvalidInput(`${owner} lacks url, or one of token and token_file`);
  const fault = apiUrlFault(url);
  if (fault !== null) throw new InvalidInput(`${owner}, url: ${fault}`);
  return {
    url: url.replace(/\/+$/, ''),
    token: file === undefined ? new Secret(password ?? '') : { file },
    namespaces: namespaces.split(' ').filter((namespace) => namespace !== ''),
    http: apiTlsOf(definition),
  };
}

/** Judges token and token_file; gives the latter. */
function readToken(fields: FieldReader): string | null {
  const token = fields.secret('token', MAX_TOKEN_BYTES, 'it may have');
  const file = fields.text('token_file', MAX_PATH);
  if (!fields.given('token') && !fields.given('token_file'))
    fields.fault(
      'token',
      'is missing, and so is token_file; give what "kubectl create token" prints, or the path of a file with it',
    );
  if (fields.given('token') && fields.given('token_file'))
    fields.fault('token', 'is given beside token_file; leave one of them out');
  if (token !== null && token !== '' && !isToken(token))
    fields.fault('token', 'holds something else than letters, digits and signs; give the token alone');
  if (file !== null && !file.startsWith('/'))
    fields.fault('token_file', `${JSON.stringify(file)} is not an absolute path; begin it with "/"`);
  return file;
}

/** The namespaces with spaces between them; null where none is named. */
function readNamespaces(fields: FieldReader): string | null {
  const namespaces = fields.texts('namespaces', MAX_NAMESPACES);
  for (const namespace of namespaces ?? [])
    if (!NAMESPACE.test(namespace))
      fields.fault(
        'namespaces',
        `${JSON.stringify(namespace)} is not the name of a namespace; give names as "kubectl get namespaces" shows them`,
      );
  return namespaces === null ? null : [...new Set(namespaces)].join(' ');
}
