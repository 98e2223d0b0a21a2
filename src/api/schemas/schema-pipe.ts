// SPDX-License-Identifier: Apache-2.0
// How bodies and queries become the classes of this folder. A body is taken as a whole or not at all; of a query
// the known parameters are taken and the others ignored, as links pick up parameters on their way.
import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { BadRequest } from '../faults.js';

/** For bodies: an unknown member is an error. */
export const BODY = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  exceptionFactory: badRequest,
});

/** For queries: an unknown parameter is ignored. */
export const QUERY = new ValidationPipe({ transform: true, whitelist: true, exceptionFactory: badRequest });

/** The first fault in words; a member that is missing or empty is only a bad request, as it always was. */
function badRequest(errors: readonly ValidationError[]): BadRequest {
  const [error] = errors;
  if (error === undefined) return new BadRequest();
  const constraints = error.constraints ?? {};
  if ('whitelistValidation' in constraints) return new BadRequest(`unknown field '${error.property}'`);
  const value: unknown = error.value;
  if (value === undefined || value === null || value === '') return new BadRequest();
  return new BadRequest(Object.values(constraints).at(-1) ?? `${error.property} is wrong`);
}
