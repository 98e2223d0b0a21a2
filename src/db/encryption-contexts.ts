// SPDX-License-Identifier: Apache-2.0
// The places of the encrypted values, as their additional data names them.
import type { Place } from './encryption.js';

/** consoles.ticket of one console. */
export function ticketPlace(source: string, uuid: string): Place {
  return { table: 'consoles', column: 'ticket', row: [source, uuid] };
}

/** sources.password of one source. */
export function passwordPlace(name: string): Place {
  return { table: 'sources', column: 'password', row: [name] };
}
