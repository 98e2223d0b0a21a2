// SPDX-License-Identifier: Apache-2.0
// Gives the configuration to every module of a program.
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { tokenFor } from '../injection.js';
import type { Conf } from './index.js';

/** The configuration. */
export const CONF = tokenFor<Conf>('conf');

@Global()
@Module({})
export class ConfModule {
  /** @param conf as it was loaded: a program reads it before it loads Nest, so that a fault in it is reported at once */
  static with(conf: Conf): DynamicModule {
    return { module: ConfModule, providers: [{ provide: CONF, useValue: conf }], exports: [CONF] };
  }
}
