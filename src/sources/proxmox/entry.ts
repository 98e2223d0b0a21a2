// SPDX-License-Identifier: Apache-2.0
// What a proxmox entry of sources.yaml says: where the API is, and the API token that Kerbside shows there. `verify` is
// true, false or the path of a CA file, as for other platforms; the CA of the cluster (`ca_cert`) is always good.
import { rootCertificates } from 'node:tls';
import { InvalidInput } from '../../exception.js';
import type { HttpOptions } from '../../identity/http-client.js';
import type { SourceDefinition } from '../../objects/source.js';
import type { FieldReader } from '../file/field-reader.js';

const MAX_URLS = 1024;
const MAX_NAME = 255;
const MAX_PATH = 1024;
const TOKEN_ID = /^[^\s:!=@]+@[A-Za-z][A-Za-z0-9._-]*![A-Za-z][A-Za-z0-9._-]*$/;
const PRINTABLE = /^[\x21-\x7e]+$/;

/** The keys that only proxmox entries have. */
export const PROXMOX_KEYS = ['token_id', 'token_secret', 'verify'] as const;

/** The keys of an entry that its login is made of. */
export const PROXMOX_CREDENTIALS = { username: 'token_id', password: 'token_secret' } as const;

/** How the API is reached and asked. */
export interface ProxmoxLogin {
  /** Origins without a slash at their end, in the order in which they are tried. */
  readonly origins: readonly string[];
  /** The Authorization header. Secret. */
  readonly authorization: string;
  readonly tls: Pick<HttpOptions, 'ca' | 'cafile' | 'cafileFrom' | 'insecure'>;
}

/** Reads and judges the keys that only proxmox entries have, and demands those that it cannot be without. */
export function readProxmox(fields: FieldReader): Record<string, string> {
  const urls = fields.texts('url', MAX_URLS);
  if (urls === null)
    fields.fault('url', 'is missing; give the URL of the API, as https://pve1.example.com:8006');
  for (const url of urls ?? [])
    if (originOf(url) === null)
      fields.fault(
        'url',
        `${JSON.stringify(url)} is not the URL of an API; give it as https://pve1.example.com:8006`,
      );
  const id = fields.text('token_id', MAX_NAME);
  if (id === null)
    fields.fault('token_id', 'is missing; give the id of an API token, as kerbside@pve!consoles');
  else if (!TOKEN_ID.test(id))
    fields.fault('token_id', `${JSON.stringify(id)} is not the id of an API token; give USER@REALM!NAME`);
  const secret = fields.secret('token_secret', MAX_NAME, 'it may have');
  if (secret === null)
    fields.fault('token_secret', 'is missing; give what "pveum user token add" printed as value');
  else if (!PRINTABLE.test(secret))
    fields.fault('token_secret', 'holds something else than letters, digits and signs; give the value alone');
  const verify = fields.text('verify', MAX_PATH);
  return verify === null ? {} : { verify };
}

/**
 * How the API of a source is asked.
 * @throws InvalidInput when the definition lacks something
 */
export function proxmoxLogin(definition: SourceDefinition): ProxmoxLogin {
  const { name, url, username, password, caCert, options = {} } = definition;
  const owner = `source ${JSON.stringify(name)}`;
  if (!url || !username || !password) throw new InvalidInput(`${owner} lacks url, token_id or token_secret`);
  const origins = url.split(' ').map((one) => {
    const origin = originOf(one);
    if (origin === null)
      throw new InvalidInput(`${owner}, url: ${JSON.stringify(one)} is not the URL of an API`);
    return origin;
  });
  return {
    origins,
    authorization: `PVEAPIToken=${username}=${password}`,
    tls: tlsOf(options['verify'] ?? 'true', caCert ?? null, `${owner}, verify`),
  };
}

// YAML's spellings of true and false; anything else is a path.
function tlsOf(verify: string, caCert: string | null, from: string): ProxmoxLogin['tls'] {
  if (/^(false|no|off|0)$/i.test(verify)) return { insecure: true };
  if (!/^(true|yes|on|1)$/i.test(verify)) return { cafile: verify, cafileFrom: from };
  return caCert === null ? {} : { ca: [caCert, ...rootCertificates].join('\n') };
}

/** The origin of an URL that names nothing else; null: it does, or is none of HTTP. */
function originOf(text: string): string | null {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null;
  const { origin, pathname, search, hash, username, password } = new URL(text);
  return pathname === '/' && [search, hash, username, password].join('') === '' ? origin : null;
}
