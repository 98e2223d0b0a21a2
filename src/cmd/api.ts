#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kerbside-api: the REST service. Stateless: any number of them may share a database behind a load balancer.
import { runProgram } from './program.js';

await runProgram(
  {
    name: 'kerbside-api',
    summary: 'The REST service of Kerbside.',
    syncsSchema: false,
    parts: () => ['api'],
    modules: async () => [(await import('../api/api.module.js')).ApiModule],
  },
  process.argv,
);
