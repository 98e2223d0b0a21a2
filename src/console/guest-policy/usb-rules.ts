// SPDX-License-Identifier: Apache-2.0
// Which USB devices a list allows. A device is judged by its vendor and product, or by the classes that it and its interfaces
// have, as usbredir's own filter does (usbredirfilter.c).
import type { GuestPolicy } from '../guest-channels.js';

/** Classes of a device that say: look at the interfaces [USB, bDeviceClass: 0, and EFh Miscellaneous]. */
const BY_INTERFACES: ReadonlySet<number> = new Set([0x00, 0xef]);

/** What a usbredir host says of a device. */
export interface UsbDevice {
  readonly deviceClass: number;
  readonly vendor: number;
  readonly product: number;
}

/** The rules of one list; of a policy without a list there are none. */
export class UsbRules {
  private readonly classes = new Set<number>();
  private readonly products = new Set<number>();

  private constructor(rules: readonly string[]) {
    for (const rule of rules) {
      const [first = '', second = ''] = rule.split(':');
      if (first.toLowerCase() === 'class') this.classes.add(parseInt(second, 16));
      else this.products.add(productKey(parseInt(first, 16), parseInt(second, 16)));
    }
  }

  /** The rules of a policy; null: it has no list, and devices are not looked at. */
  static of({ usb }: GuestPolicy): UsbRules | null {
    return usb.includes('*') ? null : new UsbRules(usb.filter((rule) => rule !== 'none'));
  }

  /** Whether a device may be passed. @param interfaces the classes of its interfaces, as far as they were said */
  allows({ deviceClass, vendor, product }: UsbDevice, interfaces: readonly number[]): boolean {
    if (this.products.has(productKey(vendor, product))) return true;
    const classes = BY_INTERFACES.has(deviceClass) ? interfaces : [deviceClass, ...interfaces];
    return classes.length > 0 && classes.every((each) => this.classes.has(each));
  }
}

function productKey(vendor: number, product: number): number {
  return vendor * 0x10000 + product;
}
