// SPDX-License-Identifier: Apache-2.0
// The headers that every answer has, and the policy under which the browser's client runs: scripts of this service and
// its pages alone, connections to this service alone, and frames of this host and the allowed ones alone.
import { isIP } from 'node:net';
import { hostOf } from './browser.js';

/** What every answer has. Links have tokens in their URL, which must not be sent as a referrer. */
export const HEADERS: Readonly<Record<string, string>> = {
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * The policy of a page.
 *
 * @param scripts hashes of its inline scripts
 * @param authority what the browser calls this service; null: unknown
 * @param origins [html5proxy] allowed_origins
 */
export function contentSecurityPolicy(
  scripts: readonly string[],
  authority: string | null,
  origins: readonly string[],
): string {
  const sockets = authority === null ? [] : [`ws://${authority}`, `wss://${authority}`];
  const framing = [...(authority === null ? [] : [hostOf(authority)]), ...origins.map(bracketed)];
  const inline = scripts.length === 0 ? [] : ["'unsafe-hashes'", ...scripts];
  const rules: readonly (readonly string[])[] = [
    ['default-src', "'self'"],
    ['script-src', "'self'", ...inline],
    ['style-src', "'self'"],
    ['img-src', "'self'", 'data:', 'blob:'],
    ['media-src', "'self'", 'data:', 'blob:'],
    ['connect-src', "'self'", ...sockets],
    ['object-src', "'none'"],
    ['base-uri', "'none'"],
    ['form-action', "'none'"],
    ['frame-ancestors', "'self'", ...framing.flatMap((name) => [`http://${name}:*`, `https://${name}:*`])],
  ];
  return rules.map((rule) => rule.join(' ')).join('; ');
}

function bracketed(name: string): string {
  return isIP(name) === 6 ? `[${name}]` : name;
}
