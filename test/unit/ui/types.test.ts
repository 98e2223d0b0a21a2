// SPDX-License-Identifier: Apache-2.0
// The types of the admin UI are those of the OpenAPI document.
import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { format, resolveConfig } from 'prettier';
// @ts-expect-error a script without types
import { uiTypes } from '../../../tox-style-scripts/ui-types.mjs';

it('ui/src/api/types.ts is up to date; if not, run tox-style-scripts/genopenapi', async () => {
  const path = 'ui/src/api/types.ts';
  const document = JSON.parse(readFileSync('doc/source/openapi.json', 'utf8')) as unknown;
  const text = (uiTypes as (of: unknown) => string)(document);
  const options = await resolveConfig(path);
  expect(await format(text, { ...options, filepath: path })).toBe(readFileSync(path, 'utf8'));
});
