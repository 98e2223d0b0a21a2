// SPDX-License-Identifier: Apache-2.0
// How [recording] public_key looks.

/** Base64 of the 32 bytes of an X25519 public key; empty: there is none. */
export const PUBLIC_KEY_PATTERN = {
  accepts: /^(?:[A-Za-z0-9+/]{43}=)?$/,
  expected: 'a public key of 44 characters, as "kerbside-manage recording keygen" prints it',
};
