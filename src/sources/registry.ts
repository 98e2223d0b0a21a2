// SPDX-License-Identifier: Apache-2.0
// Which driver serves which type of source. A new platform is one file beside this one and one line here.
import type { AskedDriver, SourceDriver } from './driver.js';
import { OpenStackDriver, type OpenStackSettings } from './openstack/driver.js';
import type { SourceEntry, SourceType } from './file/sources-file.js';
import { StaticDriver } from './static/driver.js';

/** What drivers need of the configuration. */
export interface DriverSettings {
  readonly openstack: OpenStackSettings;
}

type DriverFactory = (entry: SourceEntry, settings: DriverSettings) => SourceDriver | AskedDriver;

const FACTORIES: Readonly<Partial<Record<SourceType, DriverFactory>>> = {
  openstack: (entry, settings) => new OpenStackDriver(entry.definition, settings.openstack),
  static: (entry) => new StaticDriver(entry.consoles, entry.definition.caCert ?? null),
};

/**
 * The driver for an entry without faults; null when this release has none for its type.
 * @throws KerbsideException when the entry names a file that cannot be read
 */
export function createDriver(
  entry: SourceEntry,
  settings: DriverSettings,
): SourceDriver | AskedDriver | null {
  const factory = entry.type === null ? undefined : FACTORIES[entry.type];
  return factory === undefined ? null : factory(entry, settings);
}
