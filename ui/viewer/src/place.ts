// SPDX-License-Identifier: Apache-2.0
// Where the service is, seen from the page: it may be reached under another path.

/** A file of the service. */
export function placeOf(name: string): string {
  return new URL(name, document.baseURI).href;
}

/** Its WebSockets. */
export function socketUrl(): string {
  return placeOf('websockify').replace(/^http/, 'ws');
}
