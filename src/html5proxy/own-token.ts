// SPDX-License-Identifier: Apache-2.0
// What console tokens look like.

/** A console token of Kerbside; those of Nova are UUIDs. */
export const OWN_TOKEN = /^[A-Za-z0-9]{48}$/;
