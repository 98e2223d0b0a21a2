// SPDX-License-Identifier: Apache-2.0
// The names under which controllers ask for what is no class.

/** The configuration (Conf). */
export const CONF = Symbol('conf');
/** The OpenAPI document, as the object that is sent. */
export const OPENAPI = Symbol('openapi');
