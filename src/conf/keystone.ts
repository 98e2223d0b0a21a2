// SPDX-License-Identifier: Apache-2.0
// [keystone]: who of Keystone's users may log in to Kerbside itself (POST /auth) and so see the consoles of all
// projects. The Keystone is the one of [keystone_authtoken].
import type { GroupSpec } from './types.js';

/** The options of [keystone]. */
export const KEYSTONE_GROUP = {
  name: 'keystone',
  help:
    "Logins to Kerbside itself with the password or the application credential of one of Keystone's users. They " +
    'see the consoles of all projects; users of one project need no such login, their token of Keystone is enough.',
  options: {
    access_group: {
      type: 'string',
      default: 'kerbside',
      help: 'The group of Keystone whose members may log in. Empty means nobody.',
      deprecatedEnv: { name: 'KEYSTONE_ACCESS_GROUP' },
    },
    admin_group: {
      type: 'string',
      default: '',
      help: 'The group of Keystone whose members are administrators of Kerbside. Empty means nobody.',
      deprecatedEnv: { name: 'KEYSTONE_ADMIN_GROUP' },
    },
    group_domain_id: {
      type: 'string',
      default: 'default',
      help:
        'The id of the domain that the two groups are in. Empty means any domain: then whoever may make groups in ' +
        'some domain can make one of that name and let anybody in.',
    },
    auth_verify: {
      type: 'string',
      default: 'True',
      help:
        'The older form of cafile and insecure of [keystone_authtoken], which win: True, False for insecure, or ' +
        'the path of a CA file.',
      deprecatedEnv: { name: 'KEYSTONE_AUTH_VERIFY' },
    },
  },
} as const satisfies GroupSpec;
