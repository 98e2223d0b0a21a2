// SPDX-License-Identifier: Apache-2.0
// The part of the configuration that relay workers are given over IPC.
import type { Conf } from '../../conf/index.js';
import type { RelaySettings } from '../ipc.js';

/** The groups that a relay worker needs, as they were loaded. */
export function relaySettings({ default: general, spice, proxy }: Conf): RelaySettings {
  const { debug, useJson, logFile } = general;
  return { default: { debug, useJson, logFile }, spice, proxy };
}
