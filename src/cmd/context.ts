// SPDX-License-Identifier: Apache-2.0
// The Nest modules of a program: for a service the foundation, messaging, heartbeat and its parts; for a command the foundation
// and the nouns.
import { Module, type DynamicModule, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Conf } from '../conf/index.js';
import { MessagingModule } from '../messaging/messaging.module.js';
import { ObjectsModule } from '../objects/objects.module.js';
import type { ServiceLife } from '../service/life.js';
import { ServiceModule } from '../service/service.module.js';
import { foundation, NEST_OPTIONS } from './nest.js';

/** What the context of a command is made of: database and nouns, and more. */
export interface CommandSetting {
  /** The name of the program. */
  readonly name: string;
  readonly conf: Conf;
  /** true: bring the schema up to date first. */
  readonly sync?: true;
  /** Nothing is written: for checks. */
  readonly readOnly?: true;
  readonly imports?: readonly PartModule[];
}

@Module({})
class ProgramModule {}

/** The context of a command. @throws KerbsideException when the site has a fault that keeps it from starting */
export function openContext(setting: CommandSetting): Promise<INestApplicationContext> {
  const { name, conf, sync = false, readOnly, imports = [] } = setting;
  const database = { sync, ...(readOnly === undefined ? {} : { readOnly }) };
  const root = {
    module: ProgramModule,
    imports: [...foundation(name, conf, database), ObjectsModule, ...imports],
  };
  return NestFactory.createApplicationContext(root, NEST_OPTIONS);
}

/** What a service program is made of. */
export interface ServiceSetting {
  /** The name of the program. */
  readonly name: string;
  readonly conf: Conf;
  /** true: bring the schema up to date first. */
  readonly sync: boolean;
  readonly life: ServiceLife;
  /** The modules of its parts, in the order of their start. */
  readonly parts: readonly PartModule[];
  /** Whether one of them is ApiModule. */
  readonly servesHttp: boolean;
}

/** The module of a part. */
export type PartModule = Type | DynamicModule;

/** Starts a service program. @throws KerbsideException when the site has a fault that keeps it from starting */
export async function startService(setting: ServiceSetting): Promise<INestApplicationContext> {
  const { name, conf, sync, life, parts } = setting;
  const root = {
    module: ProgramModule,
    imports: [
      ...[...foundation(name, conf, { sync }), MessagingModule.of(name), ServiceModule.of(name, life)],
      ...parts,
    ],
  };
  if (!setting.servesHttp) return NestFactory.createApplicationContext(root, NEST_OPTIONS);
  const { makeApplication } = await import('../api/application.js');
  return (await makeApplication(root, NEST_OPTIONS)).init();
}
