// SPDX-License-Identifier: Apache-2.0
// The name under which a controller asks for what is no class.

/** The OpenAPI document, as the object that is sent. */
export const OPENAPI = Symbol('openapi');
