// SPDX-License-Identifier: Apache-2.0
// The .vv file: what remote-viewer reads to open a console (virt-viewer's virt-viewer-file.c). It is a GLib key
// file, so values are escaped by the rules of g_key_file_set_string: no value can add or end a line.
import type { GuestPolicy } from '../../objects/guest-policy.js';
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
  /** What the file offers of the client's devices; absent: all of it. */
  readonly guestPolicy?: Pick<GuestPolicy, 'smartcard' | 'usb'> | undefined;
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
    ...devices(file.guestPolicy),
    ['tls-ciphers', 'DEFAULT'],
    ['ca', ca === null ? undefined : keyFileValue(ca)],
    ['host-subject', file.hostSubject === undefined ? undefined : keyFileValue(file.hostSubject)],
    ['proxy', file.proxy === undefined ? undefined : keyFileValue(file.proxy)],
    ['ticket-valid-until', file.validUntil === undefined ? undefined : Math.floor(file.validUntil)],
  ];
  const written = lines.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}\n`]));
  return `[virt-viewer]\n${written.join('')}`;
}

type Lines = readonly (readonly [string, string | number])[];

// What is not offered has no line: spice-gtk reads no smartcard then, and finds no USB channel in Kerbside's list. The filter
// is of what is handed over as soon as it is plugged in (spice-gtk's auto-connect-filter): nothing, where any device may be
// handed over by hand.
function devices(policy: VirtViewerFile['guestPolicy']): Lines {
  const usb = policy?.usb ?? ['*'];
  const smartcard: Lines = policy?.smartcard === false ? [] : [['enable-smartcard', 1]];
  if (usb.includes('none')) return smartcard;
  return [...smartcard, ['enable-usb-autoshare', 1], ['usb-filter', usbFilter(usb)]];
}

/** Rules as spice-gtk writes them: `class,vendor,product,version,allow`, -1 for any, the first that fits decides. */
function usbFilter(rules: readonly string[]): string {
  const allowed = rules.flatMap((rule) => {
    const [, deviceClass] = /^class:([0-9a-f]{2})$/i.exec(rule) ?? [];
    if (deviceClass !== undefined) return [`0x${deviceClass},-1,-1,-1,1`];
    const [, vendor, product] = /^([0-9a-f]{4}):([0-9a-f]{4})$/i.exec(rule) ?? [];
    return vendor === undefined || product === undefined ? [] : [`-1,0x${vendor},0x${product},-1,1`];
  });
  return [...allowed, '-1,-1,-1,-1,0'].join('|');
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
