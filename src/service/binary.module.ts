// SPDX-License-Identifier: Apache-2.0
// Gives the name of the program to every module: for the list of services and for what the program writes down.
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { BINARY } from './binary.js';

@Global()
@Module({})
export class BinaryModule {
  /** @param binary such as `kerbside-proxy` */
  static of(binary: string): DynamicModule {
    return {
      module: BinaryModule,
      providers: [{ provide: BINARY, useValue: binary }],
      exports: [BINARY],
    };
  }
}
