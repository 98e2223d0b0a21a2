// SPDX-License-Identifier: Apache-2.0
// What the admin UI may offer on this site, as it is configured.
import type { Conf } from '../../conf/index.js';
import { ConfError } from '../../exception.js';
import { keystoneAuthOptions } from '../../identity/keystone-options.js';
import { tokenFor } from '../../injection.js';

/** What is offered. */
export interface Offers {
  /** Whether users of Keystone may sign in. */
  readonly keystone: boolean;
  /** Where desktops in the browser are, without a slash at the end; null: there are none. */
  readonly browserUrl: string | null;
}

/** How they are injected. */
export const OFFERS = tokenFor<Offers>('what the admin UI offers');

/** Reads them. @throws ConfError when [html5proxy] public_url is no URL that a browser may be sent to */
export function offersOf(conf: Conf): Offers {
  const url = conf.html5proxy.publicUrl;
  if (url !== '' && !/^https?:$/.test(protocolOf(url)))
    throw new ConfError(
      'html5proxy',
      'public_url',
      `${JSON.stringify(url)} is no URL`,
      'give it with its scheme, such as https://cloud.example.com:6082',
    );
  return {
    keystone: keystoneAuthOptions(conf) !== undefined,
    browserUrl: url === '' ? null : url.replace(/\/+$/, ''),
  };
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}
