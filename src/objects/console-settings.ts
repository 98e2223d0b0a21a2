// SPDX-License-Identifier: Apache-2.0
// What consoles and their sources say for themselves at this moment, and the guest data policy that follows from it.
import { settingsOfConsoles, settingsOfSources } from '../db/api/console-settings.js';
import type { Database } from '../db/database.js';
import type { GuestPolicy } from './guest-policy.js';
import {
  settledPolicy,
  valuesOf,
  type DeploymentGuestPolicy,
  type SettledGuestPolicy,
} from './guest-policy-levels.js';
import {
  isRecorded,
  narrowest,
  NO_SETTINGS,
  settingsIn,
  type OwnSettings,
  type SessionOwnSettings,
} from './own-settings.js';

/** Which console. */
interface ConsoleName {
  readonly source: string;
  readonly uuid: string;
}

/** A console with what holds for it before the options are looked at. */
export interface ConsoleWithSettings extends ConsoleName {
  readonly settings: SessionOwnSettings;
  /** Whether sessions that begin now are recorded. */
  readonly recorded: boolean;
}

/** The settings that the records have. */
export class ConsoleSettings {
  private readonly db: Database;

  constructor(
    db: Database,
    private deployment: DeploymentGuestPolicy,
  ) {
    this.db = db;
  }

  /** Applies another configuration. */
  use(deployment: DeploymentGuestPolicy): void {
    this.deployment = deployment;
  }

  /** What holds for each of the consoles that are there. A statement for each of their sources, and one more. */
  async of(consoles: readonly ConsoleName[]): Promise<ConsoleWithSettings[]> {
    const names = [...new Set(consoles.map(({ source }) => source))];
    const ofSources = await this.sources(names);
    const found: ConsoleWithSettings[] = [];
    for (const source of names) {
      const uuids = consoles.filter((console) => console.source === source).map(({ uuid }) => uuid);
      for (const row of await settingsOfConsoles(this.db, source, uuids)) {
        const { uuid, project_id: projectId } = row;
        const theirs = ofSources.get(source) ?? NO_SETTINGS;
        const settings = narrowest(settingsIn(row.settings), theirs, { source, projectId });
        found.push({ source, uuid, settings, recorded: isRecorded(settings, projectId) });
      }
    }
    return found;
  }

  /** The guest data policy of a console with the places that its values come from; null when there is no such console. */
  async guestPolicy(source: string, uuid: string): Promise<SettledGuestPolicy | null> {
    const [found] = await this.of([{ source, uuid }]);
    return found === undefined ? null : settledPolicy(this.deployment, found.settings.guestPolicy ?? []);
  }

  /** Whether sessions that begin now at a console are recorded; false when there is no such console. */
  async recorded(source: string, uuid: string): Promise<boolean> {
    const [found] = await this.of([{ source, uuid }]);
    return found?.recorded ?? false;
  }

  /** Its values alone; undefined when there is no such console. */
  async guestPolicyValues(source: string, uuid: string): Promise<GuestPolicy | undefined> {
    const policy = await this.guestPolicy(source, uuid);
    return policy === null ? undefined : valuesOf(policy);
  }

  /** Consoles with theirs, in their order; with that of the deployment where one is gone meanwhile. */
  async withGuestPolicy<C extends ConsoleName>(
    consoles: readonly C[],
  ): Promise<{ readonly console: C; readonly policy: SettledGuestPolicy }[]> {
    const found = new Map<string, SessionOwnSettings>();
    for (const { source, uuid, settings } of await this.of(consoles))
      found.set(`${source}/${uuid}`, settings);
    return consoles.map((console) => {
      const levels = found.get(`${console.source}/${console.uuid}`)?.guestPolicy ?? [];
      return { console, policy: settledPolicy(this.deployment, levels) };
    });
  }

  private async sources(names: readonly string[]): Promise<Map<string, OwnSettings>> {
    const rows = await settingsOfSources(this.db, names);
    return new Map(rows.map(({ name, settings }) => [name, settingsIn(settings)]));
  }
}
