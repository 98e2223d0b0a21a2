// SPDX-License-Identifier: Apache-2.0
// Host keys that are known: files in the form of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT, with patterns, hashed names, [host]:port and
// @revoked. Certificates of hosts (@cert-authority) are not judged: such lines are passed over. Pure.
import { createHash, createHmac } from 'node:crypto';

/** What a file says of a host. */
export interface KnownKeys {
  /** Public keys in the form of the wire (RFC 4253 section 6.6). */
  readonly keys: readonly Buffer[];
  readonly revoked: readonly Buffer[];
}

const PORT = 22;
const MAX_LINES = 100_000;
const HASHED = /^\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)$/;

/** The keys of a host, by the text of a known_hosts file. */
export function knownKeys(text: string, host: string, port: number): KnownKeys {
  const name = port === PORT ? host.toLowerCase() : `[${host.toLowerCase()}]:${String(port)}`;
  const keys: Buffer[] = [];
  const revoked: Buffer[] = [];
  for (const line of text.split('\n', MAX_LINES)) {
    const fields = line.trim().split(/\s+/);
    const marker = fields[0]?.startsWith('@') === true ? fields.shift() : undefined;
    const [names = '', type = '', base64 = ''] = fields;
    if (names === '' || type === '' || names.startsWith('#') || !isNamed(name, names)) continue;
    const key = Buffer.from(base64, 'base64');
    if (keyType(key) !== type) continue;
    if (marker === undefined) keys.push(key);
    else if (marker === '@revoked') revoked.push(key);
  }
  return { keys, revoked };
}

/** The type that a public key says it is of, as `ssh-ed25519`; '': it is no key. */
export function keyType(key: Buffer): string {
  if (key.length < 4) return '';
  const length = key.readUInt32BE(0);
  return length > 64 || key.length < 4 + length ? '' : key.toString('latin1', 4, 4 + length);
}

/** The fingerprint of a key, as ssh-keygen -l prints it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function isNamed(name: string, patterns: string): boolean {
  const hashed = HASHED.exec(patterns);
  if (hashed !== null) {
    const [, salt = '', digest = ''] = hashed;
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === digest;
  }
  const all = patterns.toLowerCase().split(',');
  const matches = (pattern: string): boolean => globOf(pattern).test(name);
  if (all.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))) return false;
  return all.some((pattern) => !pattern.startsWith('!') && matches(pattern));
}

/** `*` and `?` of a pattern. */
function globOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*+/g, '.*').replaceAll('?', '.')}$`);
}
