// SPDX-License-Identifier: Apache-2.0
// Where a channel leads, for consoles of all platforms. The platform is asked about the main channel of a session; the others
// follow it, and open only after the guest behind it has proved its identity.
import { signalWithin } from '../net/deadline.js';
import type { ConnectInfo } from '../objects/connect-info.js';
import type { Location, RecordedConsole } from './driver.js';
import { platformOf } from './registry.js';
import type { SourceDrivers } from './source-drivers.js';

/** A channel that is about to open. */
export interface ChannelToLocate extends RecordedConsole {
  /** The type of the console's source. */
  readonly platform: string;
  /** Whether it is the main channel of its session. */
  readonly main: boolean;
}

/** Where the channel leads: to a target in every case but a denial. */
export type Located =
  | Extract<Location, { kind: 'denied' }>
  | (Exclude<Location, { kind: 'denied' }> & {
      readonly target: ConnectInfo;
      /** The UUID that the guest must report before a byte passes; null: guests of this platform report none. */
      readonly expectedInstanceUuid: string | null;
    });

/** Answers for every platform. */
export class Locator {
  constructor(private readonly drivers: Pick<SourceDrivers, 'find'>) {}

  /**
   * Where the channel leads.
   * @param timeout seconds that the platform may take; the database is not counted
   * @throws DatabaseError
   */
  async locate(channel: ChannelToLocate, timeout: number): Promise<Located> {
    const { uuid, target } = channel;
    const platform = platformOf(channel.platform);
    const at = { target, expectedInstanceUuid: platform?.guestReportsUuid === true ? uuid : null };
    // A platform without a driver: its consoles came out of another Kerbside's database.
    if (!channel.main || platform?.makeDriver === undefined) return { kind: 'recorded', ...at };
    const location = await this.ask(channel, timeout);
    return location.kind === 'denied' ? location : { ...at, ...location };
  }

  private async ask(channel: ChannelToLocate, timeout: number): Promise<Location> {
    const signal = signalWithin(timeout * 1000);
    const driver = (await this.drivers.find(channel.source, channel.platform))?.driver;
    if (driver === undefined) return { kind: 'unconfirmed', why: 'the source is not configured any more' };
    if (driver instanceof Error) return { kind: 'unconfirmed', why: driver.message };
    return driver.locate(channel, signal);
  }
}
