// SPDX-License-Identifier: Apache-2.0
// [oslo_policy]: where the operator's own rules are.
import type { GroupSpec } from './types.js';

/** The options of [oslo_policy]. */
export const OSLO_POLICY_GROUP = {
  name: 'oslo_policy',
  help: 'Who may do what. Changes of the files are taken up within a second; policy.yaml.sample has every rule.',
  ignored: [
    'enforce_new_defaults',
    'enforce_scope',
    'policy_default_rule',
    'remote_content_type',
    'remote_ssl_ca_crt_file',
    'remote_ssl_client_crt_file',
    'remote_ssl_client_key_file',
    'remote_ssl_verify_server_crt',
    'remote_timeout',
  ],
  options: {
    policy_file: {
      type: 'path',
      default: '/etc/kerbside/policy.yaml',
      help:
        'The file with the rules that differ from the defaults. A relative path starts at the working directory. ' +
        'Without the file the defaults hold.',
    },
    policy_dirs: {
      type: 'list',
      item: 'path',
      default: ['/etc/kerbside/policy.d'],
      minItems: 0,
      help:
        'Directories whose *.yaml and *.json files are read after policy_file, in the order of their names; the ' +
        'later one wins. One that does not exist is passed over.',
    },
  },
} as const satisfies GroupSpec;
