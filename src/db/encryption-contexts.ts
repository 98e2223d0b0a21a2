// SPDX-License-Identifier: Apache-2.0
// The contexts of the encrypted values: what their additional data names.
import type { EncryptionContext } from './encryption.js';

/** consoles.ticket of one console. */
export function ticketContext(source: string, uuid: string): EncryptionContext {
  return { table: 'consoles', column: 'ticket', row: [source, uuid] };
}

/** sources.password of one source. */
export function passwordContext(name: string): EncryptionContext {
  return { table: 'sources', column: 'password', row: [name] };
}
