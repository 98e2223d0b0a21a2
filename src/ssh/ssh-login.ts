// SPDX-License-Identifier: Apache-2.0
// Who logs in to a host, and the files that it takes. They are read when a connection is made, so that a key can be replaced
// without a restart; the key itself is kept nowhere.
import { open } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';
import { SshFault } from './ssh-fault.js';

/** A login. It holds no secret: the key is named by its file. */
export interface SshLogin {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** Path of the private key, without a passphrase. */
  readonly keyfile: string;
  /** Path of a file in the form of known_hosts. */
  readonly knownHosts: string;
}

/** What the files hold. */
export interface LoginFiles {
  readonly privateKey: Buffer;
  readonly knownHosts: string;
}

const MAX_KEY_BYTES = 65_536;
const MAX_HOSTS_BYTES = 1024 * 1024;

/** @throws SshFault of kind `login` that names the file and the remedy */
export async function readLogin({ host, keyfile, knownHosts }: SshLogin): Promise<LoginFiles> {
  const privateKey = await readBounded(host, 'keyfile', keyfile, MAX_KEY_BYTES);
  // Loaded by the first login: few sites have a host that is reached over ssh.
  const { default: ssh2 } = await import('ssh2');
  const parsed: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error || !isPrivate(parsed)) {
    const locked = parsed instanceof Error && /passphrase/i.test(parsed.message);
    const why = locked
      ? 'has a passphrase, which nobody could type; give one without (ssh-keygen -p removes it)'
      : 'is no private key that ssh can use; give one that ssh-keygen made';
    throw new SshFault('login', `ssh host ${host}: keyfile ${keyfile} ${why}`);
  }
  const hosts = await readBounded(host, 'known_hosts', knownHosts, MAX_HOSTS_BYTES);
  return { privateKey, knownHosts: hosts.toString('utf8') };
}

function isPrivate(parsed: ParsedKey | readonly ParsedKey[]): boolean {
  return 'isPrivateKey' in parsed
    ? parsed.isPrivateKey()
    : parsed.length === 1 && parsed[0]?.isPrivateKey() === true;
}

async function readBounded(host: string, key: string, path: string, max: number): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const bytes = Buffer.alloc(max + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length);
        length += bytesRead;
        if (length > max)
          throw new SshFault(
            'login',
            `ssh host ${host}: ${key} ${path} is too large; see whether it is the right file`,
          );
        if (bytesRead === 0) return bytes.subarray(0, length);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SshFault) throw error;
    const { code = 'no code' } = error as NodeJS.ErrnoException;
    throw new SshFault(
      'login',
      `ssh host ${host}: ${key} ${path} cannot be read (${code}); see that it exists and Kerbside's account may read it`,
    );
  }
}
