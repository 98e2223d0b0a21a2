// SPDX-License-Identifier: Apache-2.0
// Gives who users are: the login with a password, and Keystone's tokens where there is a Keystone.
import { Module } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import { provider, tokenFor } from '../injection.js';
import { AuditEvents } from '../objects/audit-event.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { Users } from '../objects/user.js';
import { UserGroups } from './keystone-groups.js';
import { KeystoneLogin } from './keystone-login.js';
import { keystoneAuthOptions } from './keystone-options.js';
import { Login } from './login.js';
import { ServiceSession } from './service-session.js';
import { TokenValidator } from './token-validator.js';

/** The service's own session at Keystone; null without a Keystone. */
const SERVICE_SESSION = tokenFor<ServiceSession | null>('service session');
/** What validates the tokens of users at Keystone; null: they are not accepted. */
export const TOKEN_VALIDATOR = tokenFor<TokenValidator | null>('token validator');

/** The groups of Keystone's users; null without a Keystone. */
export const USER_GROUPS = tokenFor<UserGroups | null>('groups of users');

@Module({
  imports: [ObjectsModule],
  providers: [
    provider(SERVICE_SESSION, [CONF], (conf) => {
      const login = keystoneAuthOptions(conf);
      return login === undefined ? null : new ServiceSession(login);
    }),
    provider(TOKEN_VALIDATOR, [CONF, SERVICE_SESSION], ({ keystoneAuthtoken: options }, session) =>
      session === null
        ? null
        : new TokenValidator(session, { ...options, timeout: options.httpConnectTimeout }),
    ),
    provider(
      USER_GROUPS,
      [CONF, SERVICE_SESSION],
      ({ keystone, keystoneAuthtoken: { revocationCacheTime, httpConnectTimeout } }, session) =>
        session === null
          ? null
          : new UserGroups(session, {
              groupDomainId: keystone.groupDomainId,
              cacheTime: revocationCacheTime,
              timeout: httpConnectTimeout,
            }),
    ),
    provider(Login, [CONF, Users, AuditEvents, SERVICE_SESSION], (conf, users, events, session) => {
      const limits = {
        perAddress: conf.api.loginAttemptsPerAddress,
        perUser: conf.api.loginAttemptsPerUser,
        window: conf.api.loginWindow,
      };
      const keystone = session === null ? undefined : new KeystoneLogin(session, conf.keystone);
      return new Login(users, events, conf.default.nodeName, limits, keystone);
    }),
  ],
  exports: [Login, TOKEN_VALIDATOR, USER_GROUPS],
})
export class IdentityModule {}
