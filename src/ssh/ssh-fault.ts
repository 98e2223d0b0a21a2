// SPDX-License-Identifier: Apache-2.0
// What goes wrong on the way to a host over ssh, in words for the operator.
import { Unavailable } from '../exception.js';

/**
 * `host`: the host does not answer; `key`: its host key is not the known one; `login`: it does not let the user in, or the files that
 * the login takes cannot be used; `target`: what is to be reached on it is not there, or not allowed; `timeout`: no answer in time.
 */
export type SshFaultKind = 'host' | 'key' | 'login' | 'target' | 'timeout';

/** The message is one line, names the host, and says what to do; it holds no secret. */
export class SshFault extends Unavailable {
  constructor(
    readonly kind: SshFaultKind,
    message: string,
  ) {
    super(message);
  }
}
