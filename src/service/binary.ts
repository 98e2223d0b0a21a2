// SPDX-License-Identifier: Apache-2.0
// The token of the name of the program.
import { tokenFor } from '../injection.js';

/** The name of the program, such as `kerbside-proxy`. */
export const BINARY = tokenFor<string>('name of the program');
