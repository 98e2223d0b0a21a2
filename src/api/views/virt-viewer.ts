// SPDX-License-Identifier: Apache-2.0
// The .vv file: what remote-viewer reads to open a console (virt-viewer's virt-viewer-file.c). It is a GLib key
// file, so values are escaped by the rules of g_key_file_set_string: no value can add or end a line.
import { onlyCertificates } from '../../tls/pem.js';

/** What a .vv file says. Ports and texts that are absent have no line. `password` is a secret. */
export interface VirtViewerFile {
  readonly host: string;
  /** The plain port. */
  readonly port?: number | undefined;
  readonly tlsPort?: number | undefined;
  readonly password: string;
  /** The window's title. */
  readonly title: string;
  /** PEM of the CA that signed the server's certificate; of what is in it, only certificates are written. */
  readonly ca?: string | undefined;
  /** The subject that the server's certificate must have. */
  readonly hostSubject?: string | undefined;
  /** URL of the HTTP proxy that connects to the host. */
  readonly proxy?: string | undefined;
  /** Epoch seconds until which the password may start a session. */
  readonly validUntil?: number | undefined;
}

/** The media type of a .vv file. */
export const VIRT_VIEWER_TYPE = 'application/x-virt-viewer;charset=UTF-8';

/** The text of a .vv file, keys in the order that clients and tests know. */
export function virtViewerFile(file: VirtViewerFile): string {
  const ca = onlyCertificates(file.ca?.replace(/\r\n?/g, '\n') ?? null);
  const lines: readonly (readonly [string, string | number | undefined])[] = [
    ['type', 'spice'],
    ['host', keyFileValue(file.host)],
    ['port', file.port],
    ['tls-port', file.tlsPort],
    ['password', keyFileValue(file.password)],
    ['delete-this-file', 1],
    ['fullscreen', 0],
    ['title', keyFileValue(file.title.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '))],
    ['toggle-fullscreen', 'shift+f11'],
    ['release-cursor', 'shift+f12'],
    ['secure-attention', 'ctrl+alt+end'],
    ['enable-smartcard', 1],
    ['enable-usb-autoshare', 1],
    ['usb-filter', '-1,-1,-1,-1,0'],
    ['tls-ciphers', 'DEFAULT'],
    ['ca', ca === null ? undefined : keyFileValue(ca)],
    ['host-subject', file.hostSubject === undefined ? undefined : keyFileValue(file.hostSubject)],
    ['proxy', file.proxy === undefined ? undefined : keyFileValue(file.proxy)],
    ['ticket-valid-until', file.validUntil === undefined ? undefined : Math.floor(file.validUntil)],
  ];
  const written = lines.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}\n`]));
  return `[virt-viewer]\n${written.join('')}`;
}

/** A string as a GLib key file holds it; control characters that it can not hold are dropped. */
function keyFileValue(text: string): string {
  return text
    .replace(/\\/g, '\\\\')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t')
    .replace(/^ +/, (spaces) => '\\s'.repeat(spaces.length))
    .replace(/\p{Cc}/gu, '');
}
