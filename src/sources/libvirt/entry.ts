// SPDX-License-Identifier: Apache-2.0
// What a libvirt entry of sources.yaml says: where the daemon is, and what opens it. Keys and certificates are named by their
// files, which stay on the nodes. `password` is the SPICE password of guests that have none of their own in libvirt.
import { InvalidInput } from '../../exception.js';
import type { SourceDefinition } from '../../objects/source.js';
import type { SshLogin } from '../../ssh/ssh-login.js';
import type { FieldReader } from '../file/field-reader.js';
import { endpointOf, type Endpoint } from './endpoint.js';

/** The keys that only libvirt entries have. */
export const LIBVIRT_KEYS = ['uri', 'keyfile', 'known_hosts', 'client_cert', 'client_key', 'verify'] as const;

const MAX_URI = 1024;
const MAX_PATH = 1024;
/** Bytes of a SPICE password (spice-server's limit without its zero). */
const MAX_PASSWORD = 59;
const PATHS = ['keyfile', 'known_hosts', 'client_cert', 'client_key', 'verify'] as const;
/** Where libvirt's own clients have their certificate (https://libvirt.org/kbase/tlscerts.html). */
const PKI = {
  ca: '/etc/pki/CA/cacert.pem',
  cert: '/etc/pki/libvirt/clientcert.pem',
  key: '/etc/pki/libvirt/private/clientkey.pem',
} as const;

/** What a TLS connection to a daemon takes. */
export interface TlsFiles {
  /** Paths of a client's certificate and key. */
  readonly cert: string;
  readonly key: string;
  /** Path of the CA of the daemon; null: its certificate is not verified. */
  readonly ca: string | null;
}

/** How a daemon is reached and asked. */
export interface LibvirtLogin {
  readonly endpoint: Endpoint;
  readonly tls: TlsFiles;
  /** null: no ssh leads there. */
  readonly ssh: SshLogin | null;
  /** The SPICE password of guests without one of their own; '': none. Secret. */
  readonly password: string;
}

/** Reads and judges the keys that only libvirt entries have, and demands those that it cannot be without. */
export function readLibvirt(fields: FieldReader): Record<string, string> {
  const uri = fields.text('uri', MAX_URI);
  const endpoint =
    uri === null ? 'is missing; give one as qemu+ssh://kerbside@kvm1.example.com/system' : endpointOf(uri);
  if (typeof endpoint === 'string') fields.fault('uri', endpoint);
  else if (endpoint.way.kind === 'ssh') {
    if (!fields.given('keyfile'))
      fields.fault('keyfile', 'is missing; give the path of a private key that opens ssh');
    if (!fields.given('known_hosts'))
      fields.fault(
        'known_hosts',
        'is missing; give the path of a file with the host key of the hypervisor, as ssh-keyscan prints it',
      );
  }
  for (const key of ['url', 'username'] as const)
    if (fields.given(key))
      fields.fault(key, 'is not a key of libvirt; the uri says where it is and who asks');
  fields.secret('password', MAX_PASSWORD, 'a SPICE password may have');
  const options: Record<string, string> = {};
  for (const key of PATHS) {
    const path = fields.text(key, MAX_PATH);
    if (path === null) continue;
    if (!path.startsWith('/') && !(key === 'verify' && isYesOrNo(path)))
      fields.fault(key, `${JSON.stringify(path)} is not an absolute path; begin it with "/"`);
    options[key] = path;
  }
  return options;
}

/**
 * How the daemon of a source is reached.
 * @throws InvalidInput when the definition lacks something
 */
export function libvirtLogin({ name, url, password, options = {} }: SourceDefinition): LibvirtLogin {
  const owner = `source ${JSON.stringify(name)}`;
  const endpoint = endpointOf(url ?? '');
  if (typeof endpoint === 'string') throw new InvalidInput(`${owner}, uri: ${endpoint}`);
  return {
    endpoint,
    tls: tlsFiles(options),
    ssh: sshLogin(endpoint, options, owner),
    password: password ?? '',
  };
}

function sshLogin(
  { way }: Endpoint,
  options: Readonly<Record<string, string>>,
  owner: string,
): SshLogin | null {
  if (way.kind !== 'ssh') return null;
  const { host, port, username } = way;
  const { keyfile, known_hosts: knownHosts } = options;
  if (keyfile === undefined || knownHosts === undefined)
    throw new InvalidInput(`${owner} lacks keyfile or known_hosts`);
  return { host, port, username, keyfile, knownHosts };
}

function tlsFiles({
  client_cert: cert = PKI.cert,
  client_key: key = PKI.key,
  verify = 'true',
}: Readonly<Record<string, string>>): TlsFiles {
  if (/^(false|no|off|0)$/i.test(verify)) return { cert, key, ca: null };
  return { cert, key, ca: isYesOrNo(verify) ? PKI.ca : verify };
}

// YAML's spellings of true and false.
function isYesOrNo(text: string): boolean {
  return /^(true|yes|on|1|false|no|off|0)$/i.test(text);
}
