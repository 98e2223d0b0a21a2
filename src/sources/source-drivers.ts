// SPDX-License-Identifier: Apache-2.0
// The drivers of all sources of this site, for processes that have no sources.yaml: what it says comes out of the
// database, where the conductor keeps it. A definition that changes gets a new driver.
import { createHash } from 'node:crypto';
import { InvalidInput, Unavailable } from '../exception.js';
import type { SourceDefinition, Sources } from '../objects/source.js';
import { refreshConsole, type Refreshed } from './console-refresh.js';
import { NOTHING_LISTED, type SourceDriver } from './driver.js';
import type { DriverServices, MakeDriver, Platform } from './platform.js';
import { PLATFORMS } from './registry.js';

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

interface Making {
  readonly platform: Platform;
  readonly makeDriver: MakeDriver | undefined;
  readonly definition: SourceDefinition;
  readonly fingerprint: string;
}

/** The drivers. */
export class SourceDrivers {
  private readonly kept = new Map<string, ReadonlyMap<string, KeptSource>>();

  /** @param platforms by the word that sources.yaml has for them */
  constructor(
    private readonly sources: Pick<Sources, 'definitions'>,
    private readonly services: DriverServices,
    private readonly platforms: Readonly<Record<string, Platform>> = PLATFORMS,
  ) {}

  /**
   * Every source whose platform can be asked something, by name: a statement for each platform.
   * @param wanted which platforms; all when absent
   */
  async all(wanted: (platform: Platform) => boolean = () => true): Promise<Map<string, DrivenSource>> {
    const all = new Map<string, DrivenSource>();
    for (const [type, platform] of Object.entries(this.platforms)) {
      // The others have no driver, or none that can be made without sources.yaml.
      if (platform.loadDriver === undefined || !platform.needsDefinition || !wanted(platform)) continue;
      for (const [name, source] of await this.ofPlatform(type, platform)) all.set(name, source);
    }
    return all;
  }

  /** One source of a platform; undefined when it has left the configuration, or the platform has no driver. */
  async find(name: string, type: string): Promise<DrivenSource | undefined> {
    const platform = Object.hasOwn(this.platforms, type) ? this.platforms[type] : undefined;
    if (platform?.loadDriver === undefined) return undefined;
    if (platform.needsDefinition) return (await this.ofPlatform(type, platform)).get(name);
    const makeDriver = await platform.loadDriver();
    const driver = makeDriver({ definition: { name, type }, listed: NOTHING_LISTED }, this.services);
    return { name, driver, knowsUsers: false };
  }

  /**
   * Asks a source about one of its consoles and records the answer, its present address included; removes the console
   * when its machine is gone.
   * @throws Unavailable when the source does not answer
   */
  async refresh(source: string, uuid: string, deadline: AbortSignal): Promise<Refreshed> {
    const { consoles } = this.services;
    const driver = (await this.all()).get(source)?.driver;
    const console = await consoles.reportedOne(source, uuid);
    if (driver === undefined || console === null) return 'absent';
    if (driver instanceof Error) throw new Unavailable(driver.message);
    if (driver.refresh === undefined) return 'absent';
    const refresh = driver.refresh.bind(driver);
    return refreshConsole({ consoles, source, refresh, console, outdatesNotifications: true }, deadline);
  }

  // The requests of a driver that is replaced end by their deadlines.
  private async ofPlatform(type: string, platform: Platform): Promise<ReadonlyMap<string, DrivenSource>> {
    const definitions = await this.sources.definitions(type);
    const makeDriver = definitions.length === 0 ? undefined : await platform.loadDriver?.();
    const before = this.kept.get(type);
    const now = new Map<string, KeptSource>();
    for (const definition of definitions) {
      const { name } = definition;
      const fingerprint = createHash('sha256').update(JSON.stringify(definition)).digest('hex');
      const old = before?.get(name);
      now.set(
        name,
        old?.fingerprint === fingerprint ? old : this.make({ platform, makeDriver, definition, fingerprint }),
      );
    }
    this.kept.set(type, now);
    return now;
  }

  private make({ platform, makeDriver, definition, fingerprint }: Making): KeptSource {
    const { name } = definition;
    const knowsUsers = platform.knowsUsers?.(definition, this.services.conf) ?? false;
    return { name, fingerprint, knowsUsers, driver: this.driverOf(makeDriver, definition) };
  }

  private driverOf(makeDriver: MakeDriver | undefined, definition: SourceDefinition): SourceDriver | Error {
    try {
      const driver = makeDriver?.({ definition, listed: NOTHING_LISTED }, this.services);
      return driver ?? new InvalidInput(`this release has no driver for sources of type ${definition.type}`);
    } catch (error) {
      return new InvalidInput(error instanceof Error ? error.message : String(error));
    }
  }
}
