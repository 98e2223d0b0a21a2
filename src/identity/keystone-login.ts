// SPDX-License-Identifier: Apache-2.0
// Logging in to Kerbside itself as one of Keystone's users: Keystone checks the password or the application
// credential, and the service looks up whether the user is in the access group, and in the admin group. The user's
// token is not kept.
import type { Secret } from '../conf/secret.js';
import { loggerFor } from '../log.js';
import { GroupLookUp, groupNames } from './keystone-groups.js';
import {
  applicationCredentialBody,
  askKeystone,
  passwordBody,
  readTokenBody,
  unexpectedAnswer,
  type TokenBody,
  type TokenScope,
} from './keystone-api.js';
import { KeystoneFault } from './keystone-fault.js';
import type { ServiceSession } from './service-session.js';

/** Who wants in. Of each name and id one is enough; the id wins. */
export interface KeystoneCredentials extends TokenScope {
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
  /** `default` when the name is absent as well. */
  readonly userDomainId?: string | undefined;
  readonly userDomainName?: string | undefined;
  readonly applicationCredentialId?: string | undefined;
  readonly applicationCredentialName?: string | undefined;
  readonly applicationCredentialSecret?: Secret | undefined;
}

/** The groups that count; see [keystone]. Empty names: no group. */
export interface KeystoneGroups {
  readonly accessGroup: string;
  readonly adminGroup: string;
  /** Empty: groups of any domain. */
  readonly groupDomainId: string;
}

/** How a login ended. */
export type KeystoneLoginResult =
  | {
      readonly kind: 'accepted';
      readonly user: string;
      readonly admin: boolean;
      /** As lists of access name groups: ids, and the names of those in the domain of groups. */
      readonly groups: readonly string[];
    }
  | { readonly kind: 'refused' };

/** The access group does not exist. */
export class GroupMissing extends KeystoneFault {
  constructor() {
    super(
      'answer',
      'Keystone has no group of the name in [keystone] access_group; create it, or name another',
    );
  }
}

const log = loggerFor('kerbside.identity');

/** The login. */
export class KeystoneLogin {
  private readonly lookUp: GroupLookUp;

  constructor(
    private readonly session: ServiceSession,
    private readonly groups: KeystoneGroups,
  ) {
    this.lookUp = new GroupLookUp(session);
  }

  /**
   * Tries to log in.
   * @throws KeystoneFault when Keystone, or the service's own login there, does not work
   */
  async attempt(credentials: KeystoneCredentials): Promise<KeystoneLoginResult> {
    if (this.groups.accessGroup === '') return { kind: 'refused' };
    const token = await this.authenticate(credentials);
    if (token === undefined) return { kind: 'refused' };
    if (token.accessRules !== null) {
      log.info('login refused: the application credential has access rules', { user: token.userName });
      return { kind: 'refused' };
    }
    const access = await this.groupIds(this.groups.accessGroup);
    if (access.length === 0) throw new GroupMissing();
    const groups = await this.lookUp.groupsOf(token.userId);
    const own = new Set(groups.map(({ id }) => id));
    if (!access.some((id) => own.has(id))) {
      log.info('login refused: not a member of the access group', { user: token.userName });
      return { kind: 'refused' };
    }
    const admins = this.groups.adminGroup === '' ? [] : await this.groupIds(this.groups.adminGroup);
    return {
      kind: 'accepted',
      user: nameOf(token),
      admin: admins.some((id) => own.has(id)),
      groups: groupNames(groups, this.groups.groupDomainId),
    };
  }

  /** undefined: wrong. What Keystone makes of it apart from that is for the log. */
  private async authenticate(credentials: KeystoneCredentials): Promise<TokenBody | undefined> {
    const call = {
      method: 'POST',
      url: `${await this.session.identityUrl()}/auth/tokens?nocatalog`,
      body: bodyOf(credentials),
    } as const;
    const answer = await askKeystone(this.session.http, call);
    // 401: wrong, or a second factor is asked for; 400, 403 and 404: such a user, project or credential can not be.
    if ([400, 401, 403, 404].includes(answer.status)) return undefined;
    const token = answer.status === 201 ? readTokenBody(answer.json) : undefined;
    if (token === undefined) throw unexpectedAnswer(call, answer);
    return token;
  }

  private async groupIds(name: string): Promise<string[]> {
    const query = new URLSearchParams({ name });
    if (this.groups.groupDomainId !== '') query.set('domain_id', this.groups.groupDomainId);
    const groups = await this.lookUp.list(`/groups?${query.toString()}`);
    return groups.filter((group) => group.name === name).map(({ id }) => id);
  }
}

function bodyOf(credentials: KeystoneCredentials): Readonly<Record<string, unknown>> {
  const { applicationCredentialSecret: secret, password } = credentials;
  if (secret !== undefined) {
    const { applicationCredentialId: id, applicationCredentialName: name } = credentials;
    return applicationCredentialBody({ ...credentials, id, name, secret });
  }
  if (password === undefined) throw new KeystoneFault('answer', 'a login without a password');
  return passwordBody({ ...credentials, password }, credentials);
}

/** The name as others of the same name in other domains do not have it. */
export function nameOf(token: Pick<TokenBody, 'userName' | 'userDomainId' | 'userDomainName'>): string {
  if (token.userDomainId === null || token.userDomainId === 'default') return token.userName;
  return `${token.userName}@${token.userDomainName ?? token.userDomainId}`;
}
