// SPDX-License-Identifier: Apache-2.0
// Where the links of Nova, of all its releases, have their token.

/**
 * The token of a link: `token=T`, or within `path`, as `path=?token=T` and `path=websockify?token=T`, which is how Nova
 * writes links to noVNC since 19.0.0 [nova/objects/console_auth_token.py]. null: it has none. A secret.
 */
export function novaToken(query: URLSearchParams): string | null {
  const plain = query.get('token');
  if (plain !== null && plain !== '') return plain;
  const path = query.get('path') ?? '';
  const within = path.includes('?')
    ? new URLSearchParams(path.slice(path.indexOf('?') + 1)).get('token')
    : null;
  return within === '' ? null : within;
}
