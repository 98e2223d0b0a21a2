// SPDX-License-Identifier: Apache-2.0
// Which versions of the OpenStack API there are.
import { Controller, Req } from '@nestjs/common';
import type { Request } from 'express';
import { baseUrl } from '../../client-view.js';
import { viewVersions } from '../../views/v1/version.js';

/** `/v1`, `/v1/` */
@Controller()
export class VersionController {
  /** The versions document. */
  show(@Req() request: Request): Record<string, unknown> {
    return { versions: viewVersions(baseUrl(request)) };
  }

  /** The same, for those who leave the slash out. */
  showBare(@Req() request: Request): Record<string, unknown> {
    return this.show(request);
  }
}
