// SPDX-License-Identifier: Apache-2.0
// The part of the configuration that relay workers are given over IPC.
import type { Conf } from '../../conf/index.js';
import type { RelaySettings } from '../ipc.js';

/** The groups that a relay worker needs, as they were loaded. */
export function relaySettings({ default: general, console, spice, proxy, vnc }: Conf): RelaySettings {
  const { debug, useJson, logFile } = general;
  const { messageScreenTime, maxMessageScreens } = console;
  const screens = { messageScreenTime, maxMessageScreens };
  return { default: { debug, useJson, logFile }, console: screens, spice, proxy, vnc };
}
