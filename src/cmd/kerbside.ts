#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kerbside: everything in one program on one machine. The REST service comes last, so that a healthy /healthcheck
// means that the SPICE ports are open and the sources have been read.
import { runProgram } from './program.js';

await runProgram(
  {
    name: 'kerbside',
    summary: 'Kerbside all in one: REST service, SPICE proxy and background work.',
    syncsSchema: true,
    parts: ({ html5proxy }) => [
      'proxy',
      ...(html5proxy.enabled ? (['html5proxy'] as const) : []),
      'conductor',
      'api',
    ],
    modules: async ({ html5proxy }) => [
      (await import('../console/console.module.js')).ConsoleModule,
      ...(html5proxy.enabled ? [(await import('../html5proxy/html5proxy.module.js')).Html5ProxyModule] : []),
      (await import('../conductor/conductor.module.js')).ConductorModule,
      (await import('../notifications/notifications.module.js')).NotificationsModule,
      (await import('../api/api.module.js')).ApiModule,
    ],
  },
  process.argv,
);
