// SPDX-License-Identifier: Apache-2.0
// Builders of sources.yaml with defaults: a test writes down only what it is about.
import { readFileSync } from 'node:fs';

/** A self-signed certificate. */
export const CERTIFICATE = readFileSync(new URL('./certificate.pem', import.meta.url), 'utf8').trim();

const DEFAULTS = {
  uuid: '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c',
  name: 'desktop',
  hypervisor: 'hv1.example.com',
  hypervisor_ip: '192.0.2.7',
  insecure_port: '5900',
  secure_port: '5901',
  ticket: 'sesame',
};

/** The text, each line indented. */
export function indented(text: string, columns: number): string {
  return text.replace(/^/gm, ' '.repeat(columns));
}

/** One console of a static source; null leaves a field out. */
export function aConsole(fields: Record<string, string | null>): string {
  const all: [string, string | null][] = Object.entries({ ...DEFAULTS, ...fields });
  return all
    .filter(([, value]) => value !== null)
    .map(([key, value], index) => `    ${index === 0 ? '-' : ' '} ${key}: ${value ?? ''}`)
    .join('\n');
}

/** The static source "lab" with these consoles. */
export function staticSource(...consoles: string[]): string {
  const head = '- source: lab\n  type: static\n';
  return consoles.length === 0 ? `${head}  consoles: []\n` : `${head}  consoles:\n${consoles.join('\n')}\n`;
}
