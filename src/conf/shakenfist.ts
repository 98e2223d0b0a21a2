// SPDX-License-Identifier: Apache-2.0
// [shakenfist]: the console tokens of Shaken Fist clusters.
import type { GroupSpec } from './types.js';

/** The options of [shakenfist]. */
export const SHAKENFIST_GROUP = {
  name: 'shakenfist',
  help: 'Shaken Fist sources: the exchange of their signed console tokens (GET /sf-console.vv).',
  options: {
    console_token_audience: {
      type: 'string',
      default: '',
      help:
        'Whom the tokens must be made for (their claim aud): the KERBSIDE_URL of the clusters, letter for letter but for a ' +
        'slash at its end. Empty: https:// and [spice] public_fqdn.',
      deprecatedEnv: { name: 'SF_CONSOLE_TOKEN_AUDIENCE' },
    },
  },
} as const satisfies GroupSpec;
