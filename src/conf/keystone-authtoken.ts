// SPDX-License-Identifier: Apache-2.0
// [keystone_authtoken]: how tokens of Keystone are validated, in the names and with the defaults of
// keystonemiddleware (auth_token/_opts.py) and of keystoneauth's password and application credential plugins.
import type { GroupSpec } from './types.js';

/** The options of [keystone_authtoken]. */
export const KEYSTONE_AUTHTOKEN_GROUP = {
  name: 'keystone_authtoken',
  help:
    'Tokens of Keystone (X-Auth-Token) and the login of the service that validates them. Without auth_url no ' +
    'token of Keystone is accepted, and only local users log in.',
  ignored: [
    'auth_plugin',
    'auth_section',
    'auth_uri',
    'auth_version',
    'delay_auth_decision',
    'enforce_token_bind',
    'include_service_catalog',
    'memcache_password',
    'memcache_pool_conn_get_timeout',
    'memcache_pool_dead_retry',
    'memcache_pool_maxsize',
    'memcache_pool_socket_timeout',
    'memcache_pool_unused_timeout',
    'memcache_sasl_enabled',
    'memcache_secret_key',
    'memcache_security_strategy',
    'memcache_tls_allowed_ciphers',
    'memcache_tls_cafile',
    'memcache_tls_certfile',
    'memcache_tls_enabled',
    'memcache_tls_keyfile',
    'memcache_use_advanced_pool',
    'memcache_username',
    'memcached_servers',
  ],
  options: {
    auth_url: {
      type: 'string',
      default: '',
      pattern: {
        accepts: /^https?:\/\/[^\s@]+$/,
        expected: 'a URL such as https://keystone.example.org:5000/v3',
      },
      redact: 'url',
      help: 'The URL of Keystone, with or without /v3 at its end. Empty means that there is no Keystone.',
      deprecatedEnv: { name: 'KEYSTONE_AUTH_URL' },
    },
    www_authenticate_uri: {
      type: 'string',
      default: '',
      pattern: {
        accepts: /^https?:\/\/[^\s@"]+$/,
        expected: 'a URL such as https://keystone.example.org:5000',
      },
      help:
        'The URL of Keystone for users: an answer of 401 tells them to get a token there. Empty means the same ' +
        'as auth_url, which users may not be able to reach.',
    },
    auth_type: {
      type: 'choice',
      default: 'password',
      choices: ['password', 'v3password', 'v3applicationcredential'],
      help: 'How the service logs in: with a name and a password, or with an application credential.',
    },
    username: {
      type: 'string',
      default: '',
      help: 'The user of the service. It needs the role service or admin on its project to validate tokens.',
      deprecatedEnv: { name: 'KEYSTONE_SERVICE_AUTH_USER' },
    },
    user_id: { type: 'string', default: '', help: 'The id of the user of the service, instead of its name.' },
    password: {
      type: 'secret',
      default: '',
      help: 'The password of the user of the service.',
      deprecatedEnv: { name: 'KEYSTONE_SERVICE_AUTH_PASSWORD' },
    },
    user_domain_id: {
      type: 'string',
      default: '',
      help: 'The id of the domain of the user; "default" when user_domain_name is empty as well.',
      deprecatedEnv: { name: 'KEYSTONE_SERVICE_AUTH_USER_DOMAIN_ID' },
    },
    user_domain_name: { type: 'string', default: '', help: 'The name of the domain of the user.' },
    project_id: {
      type: 'string',
      default: '',
      help: 'The id of the project of the login, instead of its name.',
    },
    project_name: {
      type: 'string',
      default: '',
      help:
        'The project of the login, usually "service". With neither name nor id nor system_scope it is "admin", ' +
        'as it always was.',
      deprecatedEnv: { name: 'KEYSTONE_SERVICE_AUTH_PROJECT' },
    },
    project_domain_id: {
      type: 'string',
      default: '',
      help: 'The id of the domain of the project; "default" when project_domain_name is empty as well.',
      deprecatedEnv: { name: 'KEYSTONE_SERVICE_AUTH_PROJECT_DOMAIN_ID' },
    },
    project_domain_name: { type: 'string', default: '', help: 'The name of the domain of the project.' },
    system_scope: {
      type: 'string',
      default: '',
      pattern: { accepts: /^all$/, expected: 'all, or nothing' },
      help: 'With "all" the service logs in for the whole deployment instead of a project.',
    },
    application_credential_id: {
      type: 'string',
      default: '',
      help: 'The id of the application credential of the service.',
    },
    application_credential_name: {
      type: 'string',
      default: '',
      help: 'The name of the application credential, together with username or user_id, instead of its id.',
    },
    application_credential_secret: {
      type: 'secret',
      default: '',
      help: 'The secret of the application credential.',
    },
    cafile: {
      type: 'path',
      default: '',
      help: 'The certificates of the CAs that may sign those of Keystone (PEM). Empty means the public CAs.',
    },
    insecure: {
      type: 'boolean',
      default: false,
      help: 'Accept any certificate of Keystone. Whoever is on the way can then read every token: for tests only.',
    },
    region_name: {
      type: 'string',
      default: '',
      help: 'The region whose endpoints are looked up in the catalog. Empty means any.',
    },
    interface: {
      type: 'choice',
      default: 'internal',
      choices: ['internal', 'public', 'admin'],
      help: 'Which of the endpoints of Keystone in the catalog validates tokens.',
    },
    http_connect_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 10,
      min: 0.1,
      max: 300,
      help:
        'How long Keystone may take for an answer, attempts to connect and a new login of the service included. ' +
        'After that the request fails with 503.',
    },
    http_request_max_retries: {
      type: 'integer',
      default: 3,
      min: 0,
      max: 100,
      help: 'How often a connection to Keystone that cannot be made is tried again, within http_connect_timeout.',
    },
    token_cache_time: {
      type: 'integer',
      unit: 'seconds',
      default: 300,
      min: -1,
      max: 86400,
      help:
        'How long a validated token is remembered, in the memory of the process, and still good while Keystone is ' +
        'away. -1 turns the memory off: every request then asks Keystone.',
    },
    revocation_cache_time: {
      type: 'integer',
      unit: 'seconds',
      default: 10,
      min: 0,
      max: 86400,
      help:
        'How long a remembered token is used without asking Keystone again: a revoked token, a lost role or a ' +
        'disabled user counts for no longer than this while Keystone answers, and for token_cache_time while it ' +
        'does not.',
    },
    service_token_roles: {
      type: 'list',
      item: 'word',
      default: ['service'],
      minItems: 1,
      help: 'The roles of which a service token (X-Service-Token) must have one to count.',
    },
    service_token_roles_required: {
      type: 'boolean',
      default: true,
      help: 'Refuse service tokens without such a role. False accepts any valid token as a service token.',
    },
    service_type: {
      type: 'string',
      default: '',
      help:
        'The type that this service has in the catalog. Tokens of application credentials with access rules are ' +
        'refused without it.',
    },
  },
} as const satisfies GroupSpec;
