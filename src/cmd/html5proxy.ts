#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kerbside-html5proxy: SPICE in the browser. Stateless: any number of them may stand behind a load balancer.
import { runProgram } from './program.js';

await runProgram(
  {
    name: 'kerbside-html5proxy',
    summary: 'SPICE in the browser: the client and its WebSockets.',
    signsTokens: false,
    syncsSchema: false,
    parts: [async (services) => (await import('../html5proxy/server.js')).startHtml5Proxy(services)],
  },
  process.argv,
);
