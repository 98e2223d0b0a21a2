// SPDX-License-Identifier: Apache-2.0
// The drivers of all sources of this site, for processes that have no sources.yaml: what it says comes out of the
// database, where the conductor keeps it. A definition that changes gets a new driver.
import { createHash } from 'node:crypto';
import { InvalidInput, Unavailable } from '../exception.js';
import type { Consoles } from '../objects/console.js';
import type { SourceDefinition, Sources } from '../objects/source.js';
import type { SourceDriver } from './driver.js';
import type { DriverServices, Platform } from './platform.js';
import { platformOf, PLATFORMS } from './registry.js';

/** A source with its driver. */
export interface DrivenSource {
  readonly name: string;
  /** The driver, or why there can be none. */
  readonly driver: SourceDriver | Error;
  /** Whether its platform knows the users of this site. */
  readonly knowsUsers: boolean;
}

interface KeptSource extends DrivenSource {
  readonly fingerprint: string;
}

/** What became of a console that was refreshed. */
export type Refreshed =
  | 'written'
  | 'removed'
  /** News of it came in meanwhile: what was asked may be older, and is dropped. */
  | 'overtaken'
  /** Its source has left the configuration or cannot be asked for single consoles, or the console is gone. */
  | 'absent';

/** Platforms whose drivers can be asked without sources.yaml. */
const ASKED = Object.entries<Platform>(PLATFORMS).filter(
  ([, { makeDriver, needsDefinition }]) => makeDriver !== undefined && needsDefinition,
);

/** The drivers. */
export class SourceDrivers {
  readonly #kept = new Map<string, ReadonlyMap<string, KeptSource>>();

  constructor(
    private readonly sources: Sources,
    private readonly services: DriverServices,
  ) {}

  private get consoles(): Consoles {
    return this.services.consoles;
  }

  /** Every source whose platform can be asked something, by name: a statement for each platform. */
  async all(): Promise<Map<string, DrivenSource>> {
    const all = new Map<string, DrivenSource>();
    for (const [type, platform] of ASKED) {
      for (const [name, source] of await this.#ofPlatform(type, platform)) all.set(name, source);
    }
    return all;
  }

  /** One source of a platform; undefined when it has left the configuration, or the platform has no driver. */
  async find(name: string, type: string): Promise<DrivenSource | undefined> {
    const platform = platformOf(type);
    if (platform?.makeDriver === undefined) return undefined;
    if (platform.needsDefinition) return (await this.#ofPlatform(type, platform)).get(name);
    const driver = platform.makeDriver({ definition: { name, type }, consoles: [] }, this.services);
    return { name, driver, knowsUsers: false };
  }

  /**
   * Asks a source about one of its consoles and records the answer, its present address included; removes the console
   * when its machine is gone.
   * @throws Unavailable when the source does not answer
   */
  async refresh(source: string, uuid: string, deadline: AbortSignal): Promise<Refreshed> {
    const driver = (await this.all()).get(source)?.driver;
    const console = await this.consoles.reportedOne(source, uuid);
    if (driver === undefined || console === null) return 'absent';
    if (driver instanceof Error) throw new Unavailable(driver.message);
    if (driver.refresh === undefined) return 'absent';
    const asked = performance.now();
    const now = await driver.refresh(console, deadline);
    if (now === null) return (await this.consoles.remove(source, uuid)) ? 'removed' : 'absent';
    const askedAgo = (performance.now() - asked) / 1000;
    return (await this.consoles.put(source, now, { askedAgo, before: console })) ? 'written' : 'overtaken';
  }

  // The requests of a driver that is replaced end by their deadlines.
  async #ofPlatform(type: string, platform: Platform): Promise<ReadonlyMap<string, DrivenSource>> {
    const before = this.#kept.get(type);
    const now = new Map<string, KeptSource>();
    for (const definition of await this.sources.definitions(type)) {
      const { name } = definition;
      const fingerprint = createHash('sha256').update(JSON.stringify(definition)).digest('hex');
      const old = before?.get(name);
      now.set(name, old?.fingerprint === fingerprint ? old : this.#make(platform, definition, fingerprint));
    }
    this.#kept.set(type, now);
    return now;
  }

  #make(platform: Platform, definition: SourceDefinition, fingerprint: string): KeptSource {
    const { name } = definition;
    const knowsUsers = platform.knowsUsers?.(definition, this.services.conf) ?? false;
    return { name, fingerprint, knowsUsers, driver: this.#driverOf(platform, definition) };
  }

  #driverOf(platform: Platform, definition: SourceDefinition): SourceDriver | Error {
    try {
      const driver = platform.makeDriver?.({ definition, consoles: [] }, this.services);
      return driver ?? new InvalidInput(`this release has no driver for sources of type ${definition.type}`);
    } catch (error) {
      return new InvalidInput(error instanceof Error ? error.message : String(error));
    }
  }
}
