// SPDX-License-Identifier: Apache-2.0
// Where a channel leads, for consoles of all platforms. The platform is asked about the main channel of a session; the others
// follow it, and open only after the guest behind it has proved its identity. Where tickets are made at connect time, each
// channel gets the one that holds now.
import { loggerFor } from '../log.js';
import { signalWithin } from '../net/deadline.js';
import type { ConnectInfo } from '../objects/connect-info.js';
import { InvalidInput, Unavailable } from '../exception.js';
import { InstanceNotReady } from '../objects/instance-fault.js';
import type { Location, Minted, RecordedConsole } from './driver.js';
import { MintedTickets, type TicketWish } from './minted-tickets.js';
import type { Platform } from './platform.js';
import { platformOf } from './registry.js';
import type { SourceDrivers } from './source-drivers.js';

const log = loggerFor('kerbside.sources.locator');

const NOT_CONFIGURED = 'the source is not configured any more';

/** A channel that is about to open. */
export interface ChannelToLocate extends RecordedConsole {
  /** The type of the console's source. */
  readonly platform: string;
  /** Whether it is the main channel of its session. */
  readonly main: boolean;
}

/** A ticket was to be made, and was not. */
export interface NotMinted {
  readonly kind: 'not_minted';
  /** For the operator, in one line. */
  readonly why: string;
}

type Denied = Extract<Location, { kind: 'denied' }>;

/** Where the channel leads: to a target unless it is denied or has no ticket. */
export type Located =
  | Denied
  | NotMinted
  | (Exclude<Location, Denied> & {
      readonly target: ConnectInfo;
      /** The UUID that the guest must report before a byte passes; null: guests of this platform report none. */
      readonly expectedInstanceUuid: string | null;
      /** The number of the ticket that was made for it; null: none was, the ticket is the console's. */
      readonly mint: number | null;
    });

/** A channel's new ticket. */
export type Reminted =
  Denied | NotMinted | { readonly kind: 'minted'; readonly target: ConnectInfo; readonly mint: number };

/** Answers for every platform. */
export class Locator {
  /** @param known gives a platform by the word that sources.yaml has for it */
  constructor(
    private readonly drivers: Pick<SourceDrivers, 'find'>,
    private readonly tickets = new MintedTickets(),
    private readonly known: (type: string) => Platform | undefined = platformOf,
  ) {}

  /**
   * Where the channel leads.
   * @param timeout seconds that the platform may take; the database is not counted
   * @throws DatabaseError
   */
  async locate(channel: ChannelToLocate, timeout: number): Promise<Located> {
    const { uuid, target, main } = channel;
    const platform = this.known(channel.platform);
    const at = { target, expectedInstanceUuid: platform?.guestReportsUuid === true ? uuid : null };
    const before = performance.now();
    const asked = main && platform?.loadDriver !== undefined;
    // A platform without a driver: its consoles came out of another Kerbside's database.
    const location: Location = asked ? await this.ask(channel, timeout) : { kind: 'recorded' };
    if (location.kind === 'denied') return location;
    const located = { ...at, ...location, mint: null };
    if (platform?.mintsTickets !== true) return located;
    const hypervisor = location.kind === 'confirmed' ? location.target.hypervisor : undefined;
    const left = timeout - (performance.now() - before) / 1000;
    const minted = await this.mint({ ...channel, target: located.target }, left, { hypervisor });
    if (minted.kind !== 'minted') return minted;
    return { ...located, target: minted.target, mint: minted.mint };
  }

  /**
   * Another ticket for a channel whose hypervisor has refused the one that it was given.
   * @param refused the number of that one
   * @param timeout seconds that the platform may take
   * @throws DatabaseError
   */
  remint(channel: ChannelToLocate, refused: number, timeout: number): Promise<Reminted> {
    return this.mint(channel, timeout, { refused });
  }

  /** Whether a platform makes a ticket for each channel, and so says where its guest is. */
  mintsTickets(platform: string): boolean {
    return this.known(platform)?.mintsTickets === true;
  }

  /** Whether the consoles of a platform are where sources.yaml says, and nobody else can tell that one has moved. */
  knowsNoMoves(platform: string): boolean {
    return this.known(platform)?.listsConsoles === true;
  }

  /**
   * The names and addresses of the hypervisors that a source says it has; none where it does not say, or not to us.
   * @param timeout seconds
   * @throws DatabaseError
   */
  async hypervisors(source: string, platform: string, timeout: number): Promise<readonly string[]> {
    const signal = signalWithin(timeout * 1000);
    const driver = (await this.drivers.find(source, platform))?.driver;
    if (driver === undefined || driver instanceof Error || driver.hypervisors === undefined) return [];
    try {
      return await driver.hypervisors(signal);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      log.warning('a source does not say which hypervisors it has', { source, fault: error.message });
      return [];
    }
  }

  private async mint(
    channel: ChannelToLocate,
    timeout: number,
    needs: Pick<TicketWish, 'refused' | 'hypervisor'>,
  ): Promise<Reminted> {
    const { source, uuid } = channel;
    try {
      const { number, minted } = await this.tickets.take({ source, uuid, ...needs }, timeout, (signal) =>
        this.make(channel, signal),
      );
      return { kind: 'minted', target: minted.target, mint: number };
    } catch (error) {
      if (error instanceof InstanceNotReady) return { kind: 'denied', why: error.why };
      if (error instanceof Unavailable || error instanceof InvalidInput)
        return { kind: 'not_minted', why: error.message };
      throw error;
    }
  }

  private async make(channel: ChannelToLocate, signal: AbortSignal): Promise<Minted> {
    const driver = (await this.drivers.find(channel.source, channel.platform))?.driver;
    if (driver === undefined) throw new Unavailable(NOT_CONFIGURED);
    if (driver instanceof Error) throw driver;
    if (driver.mint === undefined) throw new Unavailable(`sources of type ${driver.type} make no tickets`);
    return driver.mint(channel, signal);
  }

  private async ask(channel: ChannelToLocate, timeout: number): Promise<Location> {
    const signal = signalWithin(timeout * 1000);
    const driver = (await this.drivers.find(channel.source, channel.platform))?.driver;
    if (driver === undefined) return { kind: 'unconfirmed', why: NOT_CONFIGURED };
    if (driver instanceof Error) return { kind: 'unconfirmed', why: driver.message };
    return driver.locate(channel, signal);
  }
}
