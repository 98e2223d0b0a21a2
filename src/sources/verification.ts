// SPDX-License-Identifier: Apache-2.0
// The key `verify` of an entry: how the certificate of a platform's API is verified. true, false or the path of a CA file,
// as in the original.
import type { HttpOptions } from '../identity/http-client.js';

/**
 * What `verify` says, for an HTTP client: true is nothing, the CAs of the system.
 * @param from what names a file that cannot be read, for its fault
 */
export function verificationOf(
  verify: string | undefined,
  from: string,
): Pick<HttpOptions, 'insecure' | 'cafile' | 'cafileFrom'> {
  if (verify === undefined || /^(true|yes|on|1)$/i.test(verify)) return {};
  return /^(false|no|off|0)$/i.test(verify) ? { insecure: true } : { cafile: verify, cafileFrom: from };
}
