// SPDX-License-Identifier: Apache-2.0
// The types of the admin UI from the OpenAPI document: what this API's document uses of JSON schema, and no more.
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const DOCUMENT = 'doc/source/openapi.json';
const TARGET = 'ui/src/api/types.ts';

/** The type of a schema. @throws Error for a schema that this does not know */
function typeOf(schema) {
  const { $ref, type, items, properties, required = [] } = schema;
  if ($ref !== undefined) return `Schemas['${$ref.split('/').at(-1)}']`;
  if (schema.enum !== undefined) return schema.enum.map((value) => `'${value}'`).join(' | ');
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one })).join(' | ');
  switch (type) {
    case 'array':
      return `readonly (${typeOf(items)})[]`;
    case 'object': {
      if (properties === undefined) return 'Readonly<Record<string, unknown>>';
      const members = Object.entries(properties).map(
        ([name, member]) => `readonly ${name}${required.includes(name) ? '' : '?'}: ${typeOf(member)}`,
      );
      return `{ ${members.join('; ')} }`;
    }
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
    case 'boolean':
    case 'null':
      return type;
    default:
      throw new Error(`ui-types: no type for ${JSON.stringify(schema)}`);
  }
}

/** The text of the file of types for a document. */
export function uiTypes(document) {
  const schemas = Object.entries(document.components.schemas)
    .filter(([name]) => /^(V1|Ui|Link$|Error|GuestPolicy$)/.test(name))
    .map(([name, schema]) => `  readonly ${name}: ${typeOf(schema)};`);
  return `// SPDX-License-Identifier: Apache-2.0
// Written by tox-style-scripts/genopenapi from doc/source/openapi.json.

/** The bodies of the API by their names in its OpenAPI document. */
export interface Schemas {
${schemas.join('\n')}
}
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  writeFileSync(TARGET, uiTypes(JSON.parse(readFileSync(DOCUMENT, 'utf8'))));
