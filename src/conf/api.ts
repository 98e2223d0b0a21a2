// SPDX-License-Identifier: Apache-2.0
// [api]: the REST service, its tokens, and what a stranger may try.
import type { GroupSpec } from './types.js';

/** The options of [api]. */
export const API_GROUP = {
  name: 'api',
  help: 'The REST service.',
  options: {
    address: {
      type: 'host',
      default: '::',
      help:
        'The address that the REST service listens on. "::" takes IPv6 and IPv4 connections, and only IPv4 where ' +
        'the host has no IPv6. The service speaks plain HTTP: put a TLS proxy in front of it, and let it listen ' +
        'on that network only.',
      deprecatedEnv: { name: 'API_ADDRESS' },
    },
    port: {
      type: 'port',
      default: 13002,
      min: 0,
      max: 65535,
      help: 'The TCP port of the REST service. 0 takes any free port and logs which one.',
      deprecatedEnv: { name: 'API_PORT' },
    },
    trusted_proxies: {
      type: 'list',
      item: 'word',
      default: [],
      minItems: 0,
      help:
        'Addresses and networks (such as 192.0.2.0/24) of the TLS proxies and load balancers in front of the REST ' +
        'service. Only their X-Forwarded-For, -Proto, -Host, -Port and -Prefix count, or in their absence Forwarded ' +
        '(RFC 7239): for the limit of login attempts and the log, the Secure mark of the login cookies, and for ' +
        'every link, redirect and cookie path. Without it all logins that come through a balancer count as from ' +
        'one address. The proxies must remove what their clients send of these headers.',
    },
    auth_secret_seed: {
      type: 'secret',
      default: '',
      help:
        'The secret that signs and verifies API tokens (HS256). Whoever knows it can make a token for any user, ' +
        'so give it at least 32 random characters, for instance from "openssl rand -hex 32", and the same value ' +
        'on every node. Changing it ends every API token at once; running SPICE sessions are not touched. ' +
        'The service does not start without it.',
      deprecatedEnv: { name: 'AUTH_SECRET_SEED' },
    },
    token_ttl: {
      type: 'integer',
      unit: 'seconds',
      default: 3600,
      min: 60,
      max: 604800,
      help:
        'How long an API token is valid after a login. API tokens cannot be revoked one by one, so a long life is ' +
        'a long time for a stolen one.',
      deprecatedEnv: { name: 'API_TOKEN_DURATION', unit: 'minutes' },
    },
    login_attempts_per_address: {
      type: 'integer',
      default: 30,
      min: 1,
      max: 1000000,
      help:
        'Failed logins that one client address may make in a login_window before further attempts from it are refused. ' +
        'Raise it where many users share one address.',
    },
    login_attempts_per_user: {
      type: 'integer',
      default: 10,
      min: 1,
      max: 1000000,
      help:
        'Failed logins for one user name in a login_window, from any address, before further attempts are refused. ' +
        'A low number stops guessing sooner, and lets a stranger lock a user out sooner.',
    },
    login_window: {
      type: 'integer',
      unit: 'seconds',
      default: 300,
      min: 1,
      max: 86400,
      help: 'The time over which login attempts are counted, and after which they are forgotten.',
    },
    max_limit: {
      type: 'integer',
      default: 1000,
      min: 1,
      max: 100000,
      help:
        'The largest page of any listing, and the page of a client that names no limit. A larger page costs ' +
        'memory in the service and a longer answer for the client.',
    },
  },
} as const satisfies GroupSpec;
