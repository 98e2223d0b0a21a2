#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kerbside-html5proxy: SPICE in the browser. Stateless: any number of them may stand behind a load balancer.
import { runProgram } from './program.js';

await runProgram(
  {
    name: 'kerbside-html5proxy',
    summary: 'SPICE in the browser: the client and its WebSockets.',
    syncsSchema: false,
    parts: () => ['html5proxy'],
    modules: async () => [(await import('../html5proxy/html5proxy.module.js')).Html5ProxyModule],
  },
  process.argv,
);
