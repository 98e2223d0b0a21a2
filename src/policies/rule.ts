// SPDX-License-Identifier: Apache-2.0
// What a rule of the policy is, as data: its name, its check in the language of oslo.policy, and what it guards.

/** A request that a rule guards. */
export interface Operation {
  readonly method: string;
  readonly path: string;
}

/** A rule with its default. */
export interface RuleDefault {
  /** `<service>:<resource>:<action>`; a plain word for a rule that others refer to. */
  readonly name: string;
  /** In the language of oslo.policy; see check-parser.ts. */
  readonly check: string;
  /** One sentence or more, for the sample. */
  readonly description: string;
  /** Empty for a rule that others refer to. */
  readonly operations: readonly Operation[];
}
