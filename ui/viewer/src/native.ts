// SPDX-License-Identifier: Apache-2.0
// Goes on in a native client: the .vv file with the page's own token, which brings the session back for as long as the grace lasts.
import type { NativeAddress } from './session.js';

/** Downloads the file. */
export function downloadFile(address: NativeAddress, password: string, title: string | null): void {
  const lines = [
    '[virt-viewer]',
    'type=spice',
    `host=${address.host}`,
    `tls-port=${String(address.tls_port)}`,
    `password=${password}`,
    ...(title === null ? [] : [`title=${title.replace(/[\r\n]+/g, ' ')}`]),
    'delete-this-file=1',
    ...(address.host_subject === null ? [] : [`host-subject=${address.host_subject}`]),
    // A key file has its line ends escaped.
    ...(address.ca === null ? [] : [`ca=${address.ca.replaceAll('\n', '\\n')}`]),
    '',
  ];
  const url = URL.createObjectURL(new Blob([lines.join('\n')], { type: 'application/x-virt-viewer' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'console.vv';
  link.click();
  URL.revokeObjectURL(url);
}
