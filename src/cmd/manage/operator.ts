// SPDX-License-Identifier: Apache-2.0
// Who gives a command, for the audit trail.
import { userInfo } from 'node:os';

/** The login of the one at the terminal, before sudo; null when this account has no name, as in a container. */
export function operatorName(env: NodeJS.ProcessEnv): string | null {
  const before = env['SUDO_USER'] ?? '';
  if (before !== '') return before;
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}
