// SPDX-License-Identifier: Apache-2.0
// What a line of the table of routes says.
import type { RuleName } from '../policy.js';

/**
 * Who may use a route.
 * `public`: anyone; a credential is ignored. `optional`: anyone; a valid credential is read.
 * `user`: a user with a valid token whom the rule permits it.
 */
export type Access = 'public' | 'optional' | 'user';

/** One line of the table. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** `<controller>.<method>` */
  readonly handler: string;
  readonly access: Access;
  /** The rule of the policy that lets a user pass; `user` routes only. */
  readonly rule?: RuleName;
  /** What a user reads whom the rule does not let pass at all. */
  readonly refusal?: string;
  /** The handler takes a JSON body; all others refuse one that has members. */
  readonly body?: true;
  /** The status of success; 200 when absent. */
  readonly success?: 201 | 204;
  /** A GET that makes something, or that never ends: HEAD is refused for it. */
  readonly mints?: true;
  /** The minor version of /v1 that it came with; 0 when absent. In older ones it does not exist. */
  readonly since?: number;
}
