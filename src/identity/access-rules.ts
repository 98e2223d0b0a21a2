// SPDX-License-Identifier: Apache-2.0
// Access rules of application credentials: which requests a token of such a credential may make
// (keystonemiddleware's auth_token, _validate_access_rules).
import type { AccessRule } from './keystone-api.js';

/** The request that a token came with. */
export interface AccessRequest {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
}

/** Whether one of the rules is for this request to this type of service. An empty type has no rules. */
export function allowsRequest(
  rules: readonly AccessRule[],
  serviceType: string,
  request: AccessRequest,
): boolean {
  if (serviceType === '') return false;
  return rules.some(
    (rule) =>
      rule.service === serviceType &&
      rule.method.toUpperCase() === request.method.toUpperCase() &&
      pathMatches(rule.path, request.path),
  );
}

/** `*` and `{name}` are one part of a path, `**` any number of them. */
function pathMatches(template: string, path: string): boolean {
  return partsMatch(template.split('/'), path.split('/'));
}

function partsMatch(template: readonly string[], parts: readonly string[]): boolean {
  // reach[n]: whether the first n parts of the path fit the template so far
  let reach = [true, ...parts.map(() => false)];
  for (const part of template) {
    const before = reach;
    reach = before.map(() => false);
    if (part === '**') {
      const first = before.indexOf(true);
      if (first >= 0) reach = before.map((_fits, index) => index >= first);
      continue;
    }
    const any = part === '*' || /^\{[^/]*\}$/.test(part);
    for (const [index, given] of parts.entries()) {
      if (before[index] === true && (any ? given !== '' : partMatches(part, given))) reach[index + 1] = true;
    }
  }
  return reach.at(-1) === true;
}

/** A `*` within a part is any number of characters. */
function partMatches(template: string, part: string): boolean {
  if (!template.includes('*')) return template === part;
  const pieces = template.split('*');
  const [first = '', last = ''] = [pieces[0], pieces.at(-1)];
  if (!part.startsWith(first) || !part.endsWith(last) || part.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = part.indexOf(piece, at);
    if (found < 0 || found + piece.length > part.length - last.length) return false;
    at = found + piece.length;
  }
  return true;
}
