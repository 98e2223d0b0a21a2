#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kerbside-conductor: the background work (sources, Nova's notifications, expired tokens and sessions, audit retention).
import { runProgram } from './program.js';

await runProgram(
  {
    name: 'kerbside-conductor',
    summary: 'The background work of Kerbside: sources, expired tokens, retention.',
    signsTokens: false,
    syncsSchema: false,
    parts: [
      async (services) => (await import('../service/metrics.js')).startExporter(services),
      async (services) => (await import('../conductor/conductor.js')).startConductor(services),
      async (services) => (await import('../notifications/consumer.js')).startNotifications(services),
    ],
  },
  process.argv,
);
