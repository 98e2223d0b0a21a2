// SPDX-License-Identifier: Apache-2.0
// Finds the console that a user wants, or has its platform make it. Users whom the policy permits it may open it:
// console-issue.ts makes their tokens.
import { InvalidInput, NotFound, Unavailable } from '../exception.js';
import type { Logger } from '../log.js';
import { signalWithin } from '../net/deadline.js';
import { protocolIn, type ConsoleProtocol } from '../objects/console-protocol.js';
import { InstanceNotReady } from '../objects/instance-fault.js';
import type { Sight } from '../objects/access.js';
import type { Inventory } from '../objects/inventory.js';
import type { Sources } from '../objects/source.js';
import { firstAnswer } from '../sources/first-answer.js';
import { platformOf } from '../sources/registry.js';
import type { DrivenSource, SourceDrivers } from '../sources/source-drivers.js';

/** Which console a user wants. */
export interface WantedConsole {
  /** The machine's UUID, in lower case. */
  readonly uuid: string;
  /** The source; found out when absent. */
  readonly source?: string | undefined;
  /** The platform's word for a kind of console; the best that it has when absent. */
  readonly type?: string | undefined;
  /**
   * The user's token of the platform, whose own policy decides. Absent for users of Kerbside itself, in whose name no
   * platform can be asked. Secret.
   */
  readonly token?: string | undefined;
  /** Among which consoles of the records it is looked for; absent: all. */
  readonly sight?: Sight | undefined;
}

/** A console that was found. */
export interface FoundConsole {
  readonly source: string;
  readonly uuid: string;
  readonly name: string | null;
  readonly projectId: string | null;
  /** Which list of access holds for it; null: none, or its platform itself has let the user in. */
  readonly accessId: string | null;
  readonly protocol: ConsoleProtocol;
}

/** What the finding works with. */
export interface ConsoleOpeningParts {
  readonly inventory: Pick<Inventory, 'consoles'>;
  readonly sources: Pick<Sources, 'find'>;
  readonly drivers: Pick<SourceDrivers, 'all'>;
  /** Seconds for all sources together, from the question to the answer. */
  readonly timeout: number;
  readonly log: Pick<Logger, 'warning'>;
}

const ABSENT = 'instance not found';
/** More sources than this do not have a machine of the same uuid. */
const MOST_SOURCES = 100;

/** Finds consoles for those who want to open one. */
export class ConsoleOpening {
  constructor(private readonly parts: ConsoleOpeningParts) {}

  /**
   * The console, which the records know from now on.
   * @throws NotFound when no source has the machine, or not for this user
   * @throws InstanceNotReady, PlatformRefused (the user may not), Unavailable, InvalidInput
   */
  async find(wanted: WantedConsole): Promise<FoundConsole> {
    const { token } = wanted;
    const known = await this.known(wanted);
    if (known !== null) return known;
    if (token !== undefined) return this.made({ ...wanted, token });
    throw new NotFound(
      'console not found; with a login of Kerbside itself only consoles that it knows already open',
    );
  }

  // A platform that makes consoles as its users is asked in their name, whatever the records know: its policy decides.
  private async known({ uuid, source, token, sight }: WantedConsole): Promise<FoundConsole | null> {
    const { inventory, sources } = this.parts;
    const { items } = await inventory.consoles({ limit: MOST_SOURCES }, { uuid, source, sight });
    for (const { source: name, name: title, project_id: projectId, access_id: accessId, ...row } of items) {
      const of = await sources.find(name);
      if (of === null || of.deleted) continue;
      if (token !== undefined && platformOf(of.type)?.knowsUsers !== undefined) continue;
      return { source: name, uuid, name: title, projectId, accessId, protocol: protocolIn(row.protocol) };
    }
    return null;
  }

  private async made({
    uuid,
    source,
    type,
    token,
  }: WantedConsole & { readonly token: string }): Promise<FoundConsole> {
    const signal = signalWithin(this.parts.timeout * 1000);
    const owner = source === undefined ? await this.ownerOf(uuid) : await this.named(source);
    if (!owner.knowsUsers) {
      throw new InvalidInput(`source ${owner.name} is of another Keystone than your token: log in there`);
    }
    if (owner.driver instanceof Error) throw new Unavailable(owner.driver.message);
    const { users } = owner.driver;
    if (users === undefined) throw new NotFound(ABSENT);
    try {
      const made = await users.open(uuid, type, token, signal);
      const { uuid: id, name: title, projectId = null, protocol = 'spice' } = made;
      return { source: owner.name, uuid: id, name: title, projectId, accessId: null, protocol };
    } catch (error) {
      if (error instanceof InstanceNotReady && error.why === 'gone') throw new NotFound(ABSENT);
      throw error;
    }
  }

  /** Which source has a machine is asked with each one's own login: no user's token goes to a platform it is not of. */
  private async ownerOf(uuid: string): Promise<DrivenSource> {
    const sources = await this.parts.drivers.all(({ knowsUsers }) => knowsUsers !== undefined);
    const candidates = [...sources.values()].filter((source) => source.knowsUsers);
    const [first, second] = candidates;
    if (first === undefined) throw new NotFound(ABSENT);
    if (second === undefined) return first;
    const { timeout, log } = this.parts;
    const found = await firstAnswer(candidates, timeout, log, async ({ users }, signal) =>
      (await users?.has(uuid, signal)) === true ? true : null,
    );
    if (found.kind === 'not_ready') throw found.fault;
    const owner = found.kind === 'found' ? sources.get(found.source) : undefined;
    if (owner !== undefined) return owner;
    if (found.kind === 'unknown' && found.faults.length > 0)
      throw new Unavailable('not every source answers, and none of the others has the instance');
    throw new NotFound(ABSENT);
  }

  private async named(name: string): Promise<DrivenSource> {
    const source = (await this.parts.drivers.all()).get(name);
    if (source === undefined) throw new NotFound('source not found');
    return source;
  }
}
