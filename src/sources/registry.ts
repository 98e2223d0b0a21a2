// SPDX-License-Identifier: Apache-2.0
// Which driver serves which type of source. A new platform is one file beside this one and one line here.
import type { SourceDriver } from './driver.js';
import type { SourceEntry, SourceType } from './sources-file.js';
import { StaticDriver } from './static.js';

type DriverFactory = (entry: SourceEntry) => SourceDriver;

const FACTORIES: Readonly<Partial<Record<SourceType, DriverFactory>>> = {
  static: (entry) => new StaticDriver(entry.consoles, entry.definition.caCert ?? null),
};

/** The driver for an entry without faults; null when this release has none for its type. */
export function createDriver(entry: SourceEntry): SourceDriver | null {
  const factory = entry.type === null ? undefined : FACTORIES[entry.type];
  return factory === undefined ? null : factory(entry);
}
