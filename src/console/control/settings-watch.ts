// SPDX-License-Identifier: Apache-2.0
// Follows what the consoles of open sessions, and their sources, say for themselves: when they say otherwise, the workers
// that carry the sessions are told at once. Other processes say what has changed, and the database is looked into now and
// then, for what they say may be missed.
import { isDeepStrictEqual } from 'node:util';
import { loggerFor } from '../../log.js';
import type { ConsoleSettings } from '../../objects/console-settings.js';
import type { ChannelRegistry, LiveChannel } from './channel-registry.js';

const log = loggerFor('kerbside.console.control-plane');

/** What a {@link SettingsWatch} is made with. */
export interface SettingsWatchParts {
  readonly settings: Pick<ConsoleSettings, 'of'>;
  readonly registry: ChannelRegistry;
  /** Takes up that these channels, all of one console, have other settings of their own now. */
  readonly changed: (channels: readonly LiveChannel[]) => void;
}

/** Keeps the settings of open sessions up to date. */
export class SettingsWatch {
  /** Consoles to look at, by source and uuid. */
  private readonly wanted = new Map<string, { readonly source: string; readonly uuid: string }>();
  private working = false;

  constructor(private readonly parts: SettingsWatchParts) {}

  /** Looks at the consoles of all open sessions. */
  poll(): void {
    this.look(this.parts.registry.all());
  }

  /** A console has changed. */
  consoleChanged(source: string, uuid: string): void {
    this.look(this.parts.registry.ofConsole(source, uuid));
  }

  /** What a source, or any of its consoles, says has changed. */
  sourceChanged(name: string): void {
    this.look(this.parts.registry.all().filter(({ source }) => source === name));
  }

  private look(channels: readonly LiveChannel[]): void {
    for (const { source, uuid } of channels) this.wanted.set(keyOf(source, uuid), { source, uuid });
    if (!this.working && this.wanted.size > 0) void this.work();
  }

  // One look after the other: an answer that is older than another one must not come last.
  private async work(): Promise<void> {
    this.working = true;
    try {
      while (this.wanted.size > 0) {
        const consoles = [...this.wanted.values()];
        this.wanted.clear();
        const found = await this.parts.settings.of(consoles);
        for (const { source, uuid, settings } of found) this.apply(source, uuid, settings);
      }
    } catch (error) {
      // The next poll looks again; that the database is away is logged by the one for ended sessions.
      log.debug('the settings of consoles cannot be looked up', { error: error as Error });
    } finally {
      this.working = false;
    }
  }

  private apply(source: string, uuid: string, settings: LiveChannel['settings']): void {
    const channels = this.parts.registry.ofConsole(source, uuid);
    if (channels.every((channel) => isDeepStrictEqual(channel.settings, settings))) return;
    for (const channel of channels) channel.settings = settings;
    log.info('a console has other settings; its open channels follow', { source, uuid });
    this.parts.changed(channels);
  }
}

function keyOf(source: string, uuid: string): string {
  return `${source}/${uuid}`;
}
