// SPDX-License-Identifier: Apache-2.0
// The root URL: what the service can do. Browsers do not get here: they are sent to the admin UI.
import { Controller } from '@nestjs/common';

/** `/` */
@Controller()
export class RootController {
  /** The capabilities: the original's answer, member for member. The OpenStack API lists its versions at /v1. */
  show(): Record<string, unknown> {
    return { capabilities: [], result: 'ok' };
  }
}
