// SPDX-License-Identifier: Apache-2.0
// The one place that knows the version of this service.
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The version of the installed package, as package.json states it. */
export const VERSION: string = manifest.version;
