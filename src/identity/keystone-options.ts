// SPDX-License-Identifier: Apache-2.0
// From the configuration to the login of the service at Keystone, with what the older names meant.
import type { Conf } from '../conf/index.js';
import { readBoolean } from '../conf/values.js';
import { ConfError } from '../exception.js';
import type { KeystoneAuthOptions } from './service-session.js';

const GROUP = 'keystone_authtoken';

/**
 * How the service logs in; undefined when there is no Keystone.
 * @throws ConfError when something that the login needs is missing
 */
export function keystoneAuthOptions(
  conf: Pick<Conf, 'keystoneAuthtoken' | 'keystone'>,
): KeystoneAuthOptions | undefined {
  const o = conf.keystoneAuthtoken;
  if (o.authUrl === '') return undefined;
  if (o.authType === 'v3applicationcredential') demandApplicationCredential(o);
  else demandPassword(o);
  const scoped = o.projectId !== '' || o.projectName !== '' || o.systemScope !== '';
  const verify = readVerify(conf.keystone.authVerify);
  return {
    ...o,
    projectName: scoped ? o.projectName : 'admin',
    cafile: o.cafile === '' ? verify.cafile : o.cafile,
    cafileFrom: o.cafile === '' ? '[keystone] auth_verify' : '[keystone_authtoken] cafile',
    insecure: o.insecure || (o.cafile === '' && verify.insecure),
    timeout: o.httpConnectTimeout,
    retries: o.httpRequestMaxRetries,
  };
}

type Options = Conf['keystoneAuthtoken'];

function demandPassword(o: Options): void {
  if (o.username === '' && o.userId === '') throw missing('username', 'the user of the service');
  if (o.password.blank) throw missing('password', 'the password of the user of the service');
}

function demandApplicationCredential(o: Options): void {
  const named = o.applicationCredentialName !== '' && (o.username !== '' || o.userId !== '');
  if (o.applicationCredentialId === '' && !named) {
    throw missing('application_credential_id', 'the application credential of the service');
  }
  if (o.applicationCredentialSecret.blank) {
    throw missing('application_credential_secret', 'the secret of the application credential');
  }
}

function missing(option: string, noun: string): ConfError {
  return new ConfError(GROUP, option, `${noun} is not set, and auth_url is`, 'set it, or remove auth_url');
}

function readVerify(text: string): { readonly cafile: string; readonly insecure: boolean } {
  const word = readBoolean(text.trim() === '' ? 'true' : text.trim());
  return word === undefined ? { cafile: text.trim(), insecure: false } : { cafile: '', insecure: !word };
}
