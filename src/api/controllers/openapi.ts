// SPDX-License-Identifier: Apache-2.0
// The description of this API for machines.
import { Controller, Inject } from '@nestjs/common';
import { OPENAPI } from '../injection-tokens.js';

/** `/openapi.json` */
@Controller()
export class OpenApiController {
  constructor(@Inject(OPENAPI) private readonly document: Record<string, unknown>) {}

  /** The OpenAPI document. */
  show(): Record<string, unknown> {
    return this.document;
  }
}
