// SPDX-License-Identifier: Apache-2.0
// Ties the life of the process to the phases of Nest's, each of which is over in all modules before the next one begins:
//   onModuleInit               the heartbeat begins
//   onApplicationBootstrap     the parts start, in the order in which the program names their modules
//   onModuleDestroy            all parts drain
//   beforeApplicationShutdown  all parts close, and the heartbeat signs off
//   onApplicationShutdown      messaging and database are closed
// Phases, because the order of two modules within one phase is nothing to build on: Nest adds dynamic modules as they come.
import {
  Global,
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import { provider } from '../injection.js';
import { Messaging } from '../messaging/messaging.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { Services } from '../objects/service.js';
import { Heartbeat } from './heartbeat.js';
import { ServiceLife } from './life.js';
import { ProcessMetrics } from './metrics.js';

@Global()
@Module({})
export class ServiceModule implements OnModuleInit, OnModuleDestroy, BeforeApplicationShutdown {
  constructor(
    @Inject(ServiceLife) private readonly life: ServiceLife,
    @Inject(Heartbeat) private readonly heartbeat: Heartbeat,
    @Inject(Messaging) private readonly messaging: Messaging,
  ) {}

  /**
   * @param binary the name of the program, in the list of services
   * @param life made before Nest is loaded: the program ends it when the start fails
   */
  static of(binary: string, life: ServiceLife): DynamicModule {
    const heartbeat = provider(Heartbeat, [Services, CONF], (services, { default: general }) => {
      const { nodeName: host, reportInterval: interval, serviceDownTime: downTime } = general;
      const report = (): ReturnType<ServiceLife['report']> => life.report();
      const recovered = (): Promise<void> => life.recovered();
      return new Heartbeat({ services, host, binary, interval, downTime, report, recovered });
    });
    const metrics = provider(ProcessMetrics, [], () => new ProcessMetrics());
    return {
      module: ServiceModule,
      imports: [ObjectsModule],
      providers: [{ provide: ServiceLife, useValue: life }, heartbeat, metrics],
      exports: [ServiceLife, Heartbeat, ProcessMetrics],
    };
  }

  onModuleInit(): Promise<void> {
    this.life.addReport(() => ({ messaging: this.messaging.status() }));
    return this.life.begin(this.heartbeat);
  }

  onModuleDestroy(): Promise<void> {
    return this.life.drain();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.life.close();
  }
}
