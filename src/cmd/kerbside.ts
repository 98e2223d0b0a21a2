#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kerbside: everything in one program on one machine. The REST service comes last, so that a healthy /healthcheck
// means that the SPICE ports are open and the sources have been read.
import { runProgram } from './program.js';

await runProgram(
  {
    name: 'kerbside',
    summary: 'Kerbside all in one: REST service, SPICE proxy and background work.',
    signsTokens: true,
    syncsSchema: true,
    parts: [
      async (services) => (await import('../console/supervisor.js')).startProxy(services),
      async (services) =>
        services.conf.html5proxy.enabled
          ? (await import('../html5proxy/server.js')).startHtml5Proxy(services)
          : { close: () => Promise.resolve() },
      async (services) => (await import('../conductor/conductor.js')).startConductor(services),
      async (services) => (await import('../notifications/consumer.js')).startNotifications(services),
      async (services) => (await import('../api/server.js')).startApi(services),
    ],
  },
  process.argv,
);
