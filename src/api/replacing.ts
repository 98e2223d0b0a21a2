// SPDX-License-Identifier: Apache-2.0
// When the session of somebody who asks for a console ends that of another one: by the policy, and by what they ask for.
import type { Request } from 'express';
import type { Replacing } from '../objects/concurrent-sessions.js';
import { Forbidden } from './faults.js';
import type { Owner, Permission } from './permission.js';

const REPLACE = 'kerbside:consoles:replace';
const UNASKED = 'kerbside:consoles:replace:unasked';

/**
 * When this user's session replaces another one.
 *
 * @param console the one they ask for
 * @param asked whether they ask for it
 * @throws Forbidden when they ask for it and may not
 */
export function replacingOf(
  permission: Permission,
  request: Request,
  console: Owner,
  asked = false,
): Replacing {
  if (!asked) return permission.allows(request, UNASKED, console) ? 'where_auto' : 'never';
  if (permission.allows(request, REPLACE, console)) return 'always';
  throw new Forbidden(`the policy does not allow ${REPLACE} to you`);
}
