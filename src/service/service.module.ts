// SPDX-License-Identifier: Apache-2.0
// Ties the life of the process to Nest's: the heartbeat begins when the modules are initialised, before any part starts
// (parts start at onApplicationBootstrap, in the order in which a program names their modules); all parts drain before
// the shutdown and close in it; the heartbeat signs off after them, while messaging and database are still there.
import {
  Global,
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationShutdown,
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
export class ServiceModule implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
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

  beforeApplicationShutdown(): Promise<void> {
    return this.life.drain();
  }

  onApplicationShutdown(): Promise<void> {
    return this.life.close();
  }
}
