// SPDX-License-Identifier: Apache-2.0
// A service program as a Nest application context: configuration, database, messaging, heartbeat, then its parts.
import { Module, type DynamicModule, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CONF } from '../conf/conf.module.js';
import type { Conf } from '../conf/index.js';
import { Database } from '../objects/database.js';
import { MessagingModule } from '../messaging/messaging.module.js';
import { Messaging } from '../messaging/messaging.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { Heartbeat, type Presence } from '../service/heartbeat.js';
import { ServiceLife } from '../service/life.js';
import { ProcessMetrics } from '../service/metrics.js';
import { ServiceModule } from '../service/service.module.js';
import { foundation, NEST_OPTIONS } from './nest.js';

/** What the context of a command is made of: database and nouns, and more. */
export interface CommandSetting {
  readonly conf: Conf;
  /** true: bring the schema up to date first. */
  readonly sync?: true;
  /** Nothing is written: for checks. */
  readonly lookOnly?: true;
  readonly imports?: readonly (DynamicModule | Type)[];
}

@Module({})
class ProgramModule {}

/** The context of a command. @throws KerbsideException when the site has a fault that keeps it from starting */
export function openContext(setting: CommandSetting): Promise<INestApplicationContext> {
  const { conf, sync = false, lookOnly, imports = [] } = setting;
  const database = { sync, ...(lookOnly === undefined ? {} : { lookOnly }) };
  const root = {
    module: ProgramModule,
    imports: [...foundation(conf, database), ObjectsModule, ...imports],
  };
  return NestFactory.createApplicationContext(root, NEST_OPTIONS);
}

/** What the context of a service program is made of. */
export interface ServiceSetting {
  /** The name of the program. */
  readonly name: string;
  readonly conf: Conf;
  /** true: bring the schema up to date first. */
  readonly sync: boolean;
  readonly life: ServiceLife;
}

/** Starts a service program. @throws KerbsideException when the site has a fault that keeps it from starting */
export function startService({ name, conf, sync, life }: ServiceSetting): Promise<INestApplicationContext> {
  const root = {
    module: ProgramModule,
    imports: [...foundation(conf, { sync }), MessagingModule.of(name), ServiceModule.of(name, life)],
  };
  return NestFactory.createApplicationContext(root, NEST_OPTIONS);
}

/** What the parts of a program share. */
export interface Services {
  readonly conf: Conf;
  readonly db: Database;
  readonly messaging: Messaging;
  /** What this process shows to Prometheus, when a part of it serves that. */
  readonly metrics: ProcessMetrics;
  /** What this process may be sure of: whether others can have taken it for dead. */
  readonly presence: Presence;
  /** What the parts of this process say of themselves, together. */
  readonly describe: () => Readonly<Record<string, unknown>>;
  /** The name of the program. */
  readonly program: string;
}

/** What the parts of a program share. */
export function servicesOf(app: INestApplicationContext, program: string): Services {
  const life = app.get(ServiceLife);
  return {
    conf: app.get<Conf>(CONF),
    db: app.get<Database>(Database),
    messaging: app.get<Messaging>(Messaging),
    metrics: app.get(ProcessMetrics),
    presence: app.get(Heartbeat),
    describe: () => life.report(),
    program,
  };
}
