// SPDX-License-Identifier: Apache-2.0
// The look of JSON bodies.
import { describe, expect, it } from '@jest/globals';
import { toJson } from '../../../src/api/json-format.js';

describe('toJson', () => {
  it('indents by four and sorts the members at every depth', () => {
    expect(toJson({ status: 404, error: { b: [{ z: 1, a: null }], a: [] } })).toBe(
      [
        '{',
        '    "error": {',
        '        "a": [],',
        '        "b": [',
        '            {',
        '                "a": null,',
        '                "z": 1',
        '            }',
        '        ]',
        '    },',
        '    "status": 404',
        '}',
      ].join('\n'),
    );
  });

  it('leaves a value that writes itself as it is written', () => {
    expect(toJson({ at: new Date(0), none: undefined })).toBe('{\n    "at": "1970-01-01T00:00:00.000Z"\n}');
  });
});
