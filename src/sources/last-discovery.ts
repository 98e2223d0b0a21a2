// SPDX-License-Identifier: Apache-2.0
// Remembers what was found the time before, so that a driver whose platform says the same again gives the same object:
// then nothing is compared with the database.
import { hash } from 'node:crypto';
import type { Discovery } from './driver.js';

/** The last discovery of one source. */
export class LastDiscovery {
  private digest = '';
  private last: Discovery | undefined;

  /** `found`, or the discovery before it when that was the same. */
  keep(found: Discovery): Discovery {
    const digest = hash('sha256', JSON.stringify(found));
    if (this.last !== undefined && digest === this.digest) return this.last;
    this.digest = digest;
    this.last = found;
    return found;
  }
}
