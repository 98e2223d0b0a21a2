// SPDX-License-Identifier: Apache-2.0
// Provides the messaging of the process to every module, and closes it after all parts have sent their last messages.
import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import { provider } from '../injection.js';
import { Messaging, openMessaging } from './messaging.js';

@Global()
@Module({})
export class MessagingModule implements OnApplicationShutdown {
  constructor(@Inject(Messaging) private readonly messaging: Messaging) {}

  /** @param binary the name of the program, part of the names of its connections */
  static of(binary: string): DynamicModule {
    return {
      module: MessagingModule,
      providers: [provider(Messaging, [CONF], (conf) => openMessaging(conf, binary))],
      exports: [Messaging],
    };
  }

  onApplicationShutdown(): Promise<void> {
    return this.messaging.close();
  }
}
