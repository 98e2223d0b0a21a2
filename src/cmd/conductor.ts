#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kerbside-conductor: the background work (sources, Nova's notifications, expired tokens and sessions, audit retention).
import { runProgram } from './program.js';

await runProgram(
  {
    name: 'kerbside-conductor',
    summary: 'The background work of Kerbside: sources, expired tokens, retention.',
    syncsSchema: false,
    parts: () => ['conductor'],
    modules: async () => [
      (await import('../service/exporter.module.js')).ExporterModule,
      (await import('../conductor/conductor.module.js')).ConductorModule,
      (await import('../notifications/notifications.module.js')).NotificationsModule,
    ],
  },
  process.argv,
);
