// SPDX-License-Identifier: Apache-2.0
// The .vv file: keys, order and escapes.
import { describe, expect, it } from '@jest/globals';
import { virtViewerFile, type VirtViewerFile } from '../../../../src/api/views/virt-viewer.js';

const FILE: VirtViewerFile = {
  host: 'kerbside.example.org',
  port: 5901,
  tlsPort: 5900,
  password: 'x'.repeat(48),
  title: 'desktop via proxy session ID abcdefghijkl',
  ca: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  hostSubject: 'C=US,O=Shaken Fist,CN=Kerbside Proxy',
  validUntil: 1_800_000_000.7,
};

describe('virtViewerFile', () => {
  it('has the keys in the known order, the CA with literal \\n, and the end of the ticket last', () => {
    expect(virtViewerFile(FILE)).toBe(
      [
        '[virt-viewer]',
        'type=spice',
        'host=kerbside.example.org',
        'port=5901',
        'tls-port=5900',
        `password=${'x'.repeat(48)}`,
        'delete-this-file=1',
        'fullscreen=0',
        'title=desktop via proxy session ID abcdefghijkl',
        'toggle-fullscreen=shift+f11',
        'release-cursor=shift+f12',
        'secure-attention=ctrl+alt+end',
        'enable-smartcard=1',
        'enable-usb-autoshare=1',
        'usb-filter=-1,-1,-1,-1,0',
        'tls-ciphers=DEFAULT',
        'ca=-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n',
        'host-subject=C=US,O=Shaken Fist,CN=Kerbside Proxy',
        'ticket-valid-until=1800000000',
        '',
      ].join('\n'),
    );
  });

  it('does not offer what the guest data policy forbids', () => {
    const text = virtViewerFile({ ...FILE, guestPolicy: { smartcard: false, usb: ['none'] } });
    expect(text).not.toMatch(/smartcard|usb/);
    expect(text).toContain('secure-attention=ctrl+alt+end\ntls-ciphers=DEFAULT\n');
    const open = { smartcard: true, usb: ['*'] };
    expect(virtViewerFile({ ...FILE, guestPolicy: open })).toBe(virtViewerFile(FILE));
  });

  it.each([
    [['class:08'], '0x08,-1,-1,-1,1|-1,-1,-1,-1,0'],
    [['046d:C52b', 'class:03'], '-1,0x046d,0xC52b,-1,1|0x03,-1,-1,-1,1|-1,-1,-1,-1,0'],
  ])('writes the USB devices %j as spice-gtk does', (usb, filter) => {
    const text = virtViewerFile({ ...FILE, guestPolicy: { smartcard: true, usb } });
    expect(text).toContain(`\nenable-smartcard=1\nenable-usb-autoshare=1\nusb-filter=${filter}\n`);
  });

  it('leaves out what there is not', () => {
    const bare = virtViewerFile({ host: 'h', password: '', title: 't' });
    expect(bare).not.toMatch(/^(port|tls-port|ca|host-subject|ticket-valid-until)=/m);
    expect(bare).toContain('\npassword=\n');
  });

  it('ends the CA with one literal newline, whatever the file had', () => {
    const ca = '-----BEGIN CERTIFICATE-----\r\nMIIB\r\n-----END CERTIFICATE-----';
    expect(virtViewerFile({ ...FILE, ca })).toBe(virtViewerFile(FILE));
  });

  it.each([
    'evil\nhost=attacker.example',
    'evil\r\n[virt-viewer]\nproxy=http://attacker.example',
    'evil\u0000\u0085\u2028\u2029title',
    'evil\u001b[2J',
  ])('lets the name %j add no line', (name) => {
    const text = virtViewerFile({ ...FILE, title: `${name} direct connection` });
    expect(text.split(/[\n\r\u0085\u2028\u2029]/)).toHaveLength(20);
    expect(text.match(/^host=/gm)).toHaveLength(1);
    expect(text.match(/^\[/gm)).toHaveLength(1);
  });

  it('writes the certificates of a CA file and never a key', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n';
    expect(virtViewerFile({ ...FILE, ca: `${key}${FILE.ca}${key}` })).toBe(virtViewerFile(FILE));
    expect(virtViewerFile({ ...FILE, ca: key })).not.toMatch(/^ca=/m);
  });

  it('escapes values by the rules of GLib key files', () => {
    const text = virtViewerFile({
      ...FILE,
      password: '  a\\b\tc\nd',
      title: 'C:\\new',
      hostSubject: 'O=a\\, b',
    });
    expect(text).toContain('\npassword=\\s\\sa\\\\b\\tc\\nd\n');
    expect(text).toContain('\ntitle=C:\\\\new\n');
    expect(text).toContain('\nhost-subject=O=a\\\\, b\n');
  });
});
