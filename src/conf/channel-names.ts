// SPDX-License-Identifier: Apache-2.0
// The names of the SPICE channels as options spell them. They are the names of spice-protocol's enums.h
// (channel types 1 to 11) in lower case.

/** Channel names that options take, in the order of their channel types. */
export const CHANNEL_NAMES = [
  'main',
  'display',
  'inputs',
  'cursor',
  'playback',
  'record',
  'tunnel',
  'smartcard',
  'usbredir',
  'port',
  'webdav',
] as const;
