// SPDX-License-Identifier: Apache-2.0
// A program that serves HTTP: a Nest application, with the way of a request in front of its controllers.
import type { DynamicModule, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import express from 'express';
import { usePipeline } from './api.module.js';
import { sendJson } from './json-format.js';

/**
 * Makes the application; it starts when it is initialised.
 *
 * @param root imports ApiModule
 * @throws KerbsideException when the site has a fault that keeps it from starting
 */
export async function makeApplication(
  root: DynamicModule,
  options: NestApplicationOptions,
): Promise<NestExpressApplication> {
  const all = { ...options, bodyParser: false };
  const app = await NestFactory.create<NestExpressApplication>(root, httpAdapter(), all);
  usePipeline(app);
  return app;
}

/**
 * Express under Nest, before Nest has made its router: paths are compared exactly, case and a slash at the end too; JSON is
 * written in our way.
 */
function httpAdapter(): ExpressAdapter {
  const instance = express();
  instance.enable('case sensitive routing');
  instance.enable('strict routing');
  instance.response.json = sendJson;
  return new ExpressAdapter(instance);
}
