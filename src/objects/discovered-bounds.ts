// SPDX-License-Identifier: Apache-2.0
// How large a console may be that a source reports: the records' columns, and tags that a list of access may name.
import { InvalidInput } from '../exception.js';
import { MAX_SOCKET_PATH_BYTES } from './connect-info.js';
import type { DiscoveredConsole } from './console-row.js';

/** Characters of the longest text of each field. */
const LONGEST = {
  uuid: 36,
  name: 255,
  hypervisor: 255,
  hypervisorIp: 255,
  hostSubject: 1024,
  ticket: 255,
  projectId: 255,
  userId: 255,
  instanceState: 64,
  instanceHost: 255,
  addressHost: 255,
  connectProxy: 255,
  unixSocket: MAX_SOCKET_PATH_BYTES,
} as const;

/** Tags of one console, and characters of one. */
const MOST_TAGS = 64;
const LONGEST_TAG = 255;

/** Refuses a console that the records have no room for. @throws InvalidInput that names the field */
export function checkDiscovered(console: DiscoveredConsole): void {
  if (console.uuid === '' || console.uuid.includes('/'))
    throw new InvalidInput('uuid: empty or with a slash in it');
  for (const [field, longest] of Object.entries(LONGEST) as [keyof typeof LONGEST, number][]) {
    if ((console[field]?.length ?? 0) > longest) {
      throw new InvalidInput(
        `console ${console.uuid.slice(0, LONGEST.uuid)}: ${field} is longer than ${longest}`,
      );
    }
  }
  const { tags = [] } = console;
  if (tags.length > MOST_TAGS || tags.some((tag) => tag.length > LONGEST_TAG))
    throw new InvalidInput(
      `console ${console.uuid}: more than ${MOST_TAGS} tags, or one with more than ${LONGEST_TAG} characters`,
    );
}
