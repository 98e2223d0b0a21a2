// SPDX-License-Identifier: Apache-2.0
// The groups of Keystone's users, which a token names for federated users only. They are looked up with the service's own token,
// and remembered for as long as a token is that was validated. Lists of access take a group by its id, or by its name in one domain: whoever may
// make groups in a domain of their own must not get in by a name.
import { loggerFor } from '../log.js';
import { withDeadline } from '../net/deadline.js';
import type { HttpAnswer } from './http-client.js';
import { askKeystone, readGroups, unexpectedAnswer, type KeystoneGroup } from './keystone-api.js';
import { KeystoneFault } from './keystone-fault.js';
import type { Clock, ServiceSession } from './service-session.js';

/** How groups are looked up. Times in seconds. */
export interface UserGroupOptions {
  /** The domain whose groups count by name; empty: `default`. */
  readonly groupDomainId: string;
  /** How long they are remembered. */
  readonly cacheTime: number;
  /** For one look-up as a whole. */
  readonly timeout: number;
}

interface Entry {
  readonly groups: readonly string[];
  readonly until: number;
}

const MOST_REMEMBERED = 5000;
/** Seconds after a failure in which a user's groups are not asked for again. */
const FAILURE_PAUSE = 5;

const log = loggerFor('kerbside.identity');
const systemClock: Clock = () => Date.now() / 1000;

/** The names by which lists of access know groups. @param domainId empty: `default` */
export function groupNames(groups: readonly KeystoneGroup[], domainId: string): string[] {
  const domain = domainId === '' ? 'default' : domainId;
  const names = groups.filter((group) => group.domainId === domain && group.name !== '');
  return [...new Set([...names.map(({ name }) => name), ...groups.map(({ id }) => id)])];
}

/** Asks Keystone about groups. */
export class GroupLookUp {
  constructor(private readonly session: ServiceSession) {}

  /** The groups of a user. @throws KeystoneFault */
  groupsOf(userId: string, signal?: AbortSignal): Promise<KeystoneGroup[]> {
    return this.list(`/users/${encodeURIComponent(userId)}/groups`, signal);
  }

  /** The groups that a path lists; none when it is not there. @throws KeystoneFault */
  async list(path: string, signal?: AbortSignal): Promise<KeystoneGroup[]> {
    const url = `${await this.session.identityUrl()}${path}`;
    const answer = await this.asService(url, signal);
    if (answer.status === 404) return [];
    if (answer.status === 401 || answer.status === 403) {
      throw new KeystoneFault(
        'credentials',
        'the user of the service may not look up groups; give it the role admin',
      );
    }
    const groups = answer.status === 200 ? readGroups(answer.json) : undefined;
    if (groups === undefined) throw unexpectedAnswer({ method: 'GET', url }, answer);
    return groups;
  }

  private async asService(url: string, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    const more = signal === undefined ? {} : { signal };
    const ask = (token: string): Promise<HttpAnswer> =>
      askKeystone(this.session.http, { method: 'GET', url, headers: { 'X-Auth-Token': token }, ...more });
    const own = await this.session.token();
    const answer = await ask(own);
    if (answer.status !== 401) return answer;
    // Keystone was restarted with other keys, or the token was revoked: once more with a new one.
    this.session.invalidate(own);
    return ask(await this.session.token());
  }
}

/** The groups of users, as lists of access name them. */
export class UserGroups {
  private readonly lookUp: GroupLookUp;
  private readonly entries = new Map<string, Entry>();
  private readonly pending = new Map<string, Promise<readonly string[]>>();
  private failing = false;

  constructor(
    session: ServiceSession,
    private readonly options: UserGroupOptions,
    private readonly clock: Clock = systemClock,
  ) {
    this.lookUp = new GroupLookUp(session);
  }

  /** Never rejects: while Keystone does not say, the user is in no group. */
  of(userId: string): Promise<readonly string[]> {
    const known = this.entries.get(userId);
    const now = this.clock();
    // A clock that was set back must not make a memory last.
    if (known !== undefined && now < known.until && known.until - now <= this.longest())
      return Promise.resolve(known.groups);
    const pending = this.pending.get(userId) ?? this.ask(userId).finally(() => this.pending.delete(userId));
    this.pending.set(userId, pending);
    return pending;
  }

  private longest(): number {
    return Math.max(this.options.cacheTime, FAILURE_PAUSE);
  }

  private async ask(userId: string): Promise<readonly string[]> {
    const stop = new AbortController();
    const { timeout, cacheTime, groupDomainId } = this.options;
    const late = (): Error => {
      stop.abort();
      return new KeystoneFault('timeout', `Keystone did not tell the groups of a user within ${timeout} s`);
    };
    try {
      const found = await withDeadline(this.lookUp.groupsOf(userId, stop.signal), timeout * 1000, late);
      const groups = groupNames(found, groupDomainId);
      if (this.failing) log.info('the groups of users are looked up again');
      this.failing = false;
      this.remember(userId, groups, cacheTime);
      return groups;
    } catch (error) {
      if (!(error instanceof KeystoneFault)) throw error;
      if (!this.failing)
        log.warning('the groups of users cannot be looked up; lists of access let nobody in by a group', {
          fault: error,
        });
      this.failing = true;
      this.remember(userId, [], FAILURE_PAUSE);
      return [];
    }
  }

  private remember(userId: string, groups: readonly string[], seconds: number): void {
    this.entries.delete(userId);
    if (seconds <= 0) return;
    this.entries.set(userId, { groups, until: this.clock() + seconds });
    const [oldest] = this.entries.keys();
    if (this.entries.size > MOST_REMEMBERED && oldest !== undefined) this.entries.delete(oldest);
  }
}
