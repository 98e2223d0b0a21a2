#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// kerbside-proxy: the SPICE listeners and their relay workers, and the exporter of their metrics.
import { runProgram } from './program.js';

await runProgram(
  {
    name: 'kerbside-proxy',
    summary: 'The SPICE proxy of Kerbside.',
    syncsSchema: false,
    parts: () => ['proxy'],
    modules: async () => [(await import('../console/console.module.js')).ConsoleModule],
  },
  process.argv,
);
