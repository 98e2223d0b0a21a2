// SPDX-License-Identifier: Apache-2.0
// Who may do what with consoles.
import type { RuleDefault } from './rule.js';

/** The rules. */
export const CONSOLE_RULES = [
  {
    name: 'kerbside:consoles:list',
    check: 'rule:project_reader_or_admin or rule:access_view',
    description: 'List consoles. Those of other projects are left out for whoever has it in a project only.',
    operations: [
      { method: 'GET', path: '/console' },
      { method: 'GET', path: '/v1/consoles' },
    ],
  },
  {
    name: 'kerbside:consoles:show',
    check: 'rule:project_reader_or_admin or rule:access_view',
    description: 'Show a console.',
    operations: [
      { method: 'GET', path: '/console/{source}/{uuid}' },
      { method: 'GET', path: '/v1/consoles/{source}/{uuid}' },
    ],
  },
  {
    name: 'kerbside:consoles:show:hypervisor',
    check: 'rule:admin_or_operator',
    description:
      'See the address, the ports and the certificate subject of the hypervisor in the description of a console. ' +
      'For all others these members are empty.',
    operations: [
      { method: 'GET', path: '/console' },
      { method: 'GET', path: '/console/{source}/{uuid}' },
      { method: 'GET', path: '/v1/consoles' },
      { method: 'GET', path: '/v1/consoles/{source}/{uuid}' },
    ],
  },
  {
    name: 'kerbside:consoles:show:access',
    check: 'rule:admin_or_operator or rule:access_operate',
    description: 'See who may open a console: its list of access. For all others this member is empty.',
    operations: [{ method: 'GET', path: '/v1/consoles/{source}/{uuid}' }],
  },
  {
    name: 'kerbside:consoles:create',
    check: 'rule:project_member_or_admin or rule:access_open',
    description: 'Open a console through the proxy: make a token and a .vv file.',
    operations: [
      { method: 'GET', path: '/console/proxy/{source}/{uuid}/console.vv' },
      { method: 'POST', path: '/v1/consoles' },
    ],
  },
  {
    name: 'kerbside:consoles:replace',
    check: 'rule:project_member_or_admin',
    description:
      'Open a console that another session has, and end that one, by asking for it ("replace": true). It is what ending ' +
      'the sessions of the console and then opening it comes to.',
    operations: [{ method: 'POST', path: '/v1/consoles' }],
  },
  {
    name: 'kerbside:consoles:replace:unasked',
    check: 'rule:admin_or_operator',
    description:
      'Do so without asking for it, where concurrent_sessions is "auto". All others are refused there while another ' +
      'session has the console.',
    operations: [
      { method: 'GET', path: '/console/proxy/{source}/{uuid}/console.vv' },
      { method: 'POST', path: '/v1/consoles' },
    ],
  },
  {
    name: 'kerbside:consoles:terminate',
    check: 'rule:project_member_or_admin or rule:access_operate',
    description: 'End all sessions of a console.',
    operations: [
      { method: 'POST', path: '/console/{source}/{uuid}/terminate' },
      { method: 'DELETE', path: '/v1/consoles/{source}/{uuid}' },
    ],
  },
  {
    name: 'kerbside:consoles:direct',
    check: 'rule:context_is_admin',
    description: "Open a console past the proxy, with the hypervisor's own address and password.",
    operations: [{ method: 'GET', path: '/console/direct/{source}/{uuid}/console.vv' }],
  },
  {
    name: 'kerbside:consoles:audit',
    check: 'rule:admin_or_operator or rule:access_operate',
    description:
      'Read the audit trail of a console. It names nodes, hypervisors, users and the addresses of clients.',
    operations: [{ method: 'GET', path: '/console/{source}/{uuid}/audit' }],
  },
] as const satisfies readonly RuleDefault[];
