// SPDX-License-Identifier: Apache-2.0
// The documentation names what the code has: no option, route, metric, audit message or program is left out.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { ROUTES } from '../../src/api/routes.js';
import { listGroups } from '../../src/conf/groups.js';
import { ProxyMetrics } from '../../src/console/metrics.js';
import { NotificationMetrics } from '../../src/notifications/metrics.js';
import { AUDIT } from '../../src/objects/audit-message.js';
import { parseSources } from '../../src/sources/sources-file.js';

const read = (path: string): string => readFileSync(path, 'utf8');
const NOTES = 'releasenotes/notes';

describe('the documentation', () => {
  it('lists every older environment name', () => {
    const page = read('doc/source/admin/configuration.rst');
    for (const [, group] of listGroups()) {
      for (const [option, spec] of Object.entries(group.options)) {
        if (spec.deprecatedEnv === undefined) continue;
        const row = page
          .split('\n')
          .find((line) => line.includes(`\`\`KERBSIDE_${spec.deprecatedEnv?.name ?? ''}\`\``));
        expect(row).toContain(`\`\`[${group.name}] ${option}\`\``);
      }
    }
  });

  it('names no option that does not exist', () => {
    const options = new Set(
      listGroups().flatMap(([, group]) =>
        Object.keys(group.options).map((option) => `[${group.name}] ${option}`),
      ),
    );
    const pages = readdirSync('doc/source', { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.rst'),
    );
    for (const path of pages) {
      const named = read(`doc/source/${path}`).matchAll(/``(\[[a-zA-Z0-9_]+\])\s+([a-z0-9_]+)/g);
      for (const [, group, option] of named)
        expect([path, options.has(`${group ?? ''} ${option ?? ''}`), option]).toContain(true);
    }
  });

  it('lists every route', () => {
    const page = read('doc/source/reference/rest-api.rst') + read('doc/source/reference/api-v1.rst');
    for (const { method, path } of ROUTES) {
      const shown = path.replace('/session/:session/', '/session/<id>/').replace(/:([a-z]+)/g, '<$1>');
      expect(page).toContain(`\`\`${method} ${shown}\`\``);
    }
  });

  it('lists every metric', async () => {
    const page = read('doc/source/reference/metrics.rst');
    const off = {
      state: 'off',
      fault: null,
      received: 0,
      deadLettered: 0,
      requeued: 0,
      lastMessage: null,
    } as const;
    const notifications = new NotificationMetrics(
      () => off,
      () => off,
    );
    const registries = [new ProxyMetrics().registry, notifications.registry];
    const metrics = (await Promise.all(registries.map((one) => one.getMetricsAsJSON()))).flat();
    for (const { name } of metrics) expect(page).toContain(`\`\`${name}\`\``);
  });

  it('lists every audit message of the original', () => {
    const page = read('doc/source/reference/audit-events.rst');
    for (const message of Object.values(AUDIT)) expect(page).toContain(`\`\`${message}\`\``);
  });

  it('lists every program', () => {
    const { bin } = JSON.parse(read('package.json')) as { bin: Record<string, string> };
    const readme = read('README.rst');
    for (const program of Object.keys(bin)) expect(readme).toContain(`\`\`${program}\`\``);
  });
});

describe('the sample of sources', () => {
  const sample = read('etc/kerbside/sources.yaml.sample');

  it('lists no source as it is', () => {
    expect(parseSources(sample)).toEqual({ entries: [], nameless: [], warnings: [] });
  });

  it('shows a file that is good but for the certificate that is left out', () => {
    const [, example = ''] = sample.split('with two sources:\n');
    const { entries, nameless, warnings } = parseSources(example.replace(/^# ?/gm, ''));
    expect([nameless, warnings]).toEqual([[], []]);
    expect(entries.map((entry) => entry.consoles.length)).toEqual([2, 0]);
    expect(entries.flatMap((entry) => entry.faults)).toEqual([
      expect.stringContaining('ca_cert: is not a certificate'),
    ]);
  });
});

describe('a release note', () => {
  it.each(readdirSync(NOTES))('%s has the form of reno', (name) => {
    const sections = [
      'prelude',
      'features',
      'issues',
      'upgrade',
      'deprecations',
      'critical',
      'security',
      'fixes',
      'other',
    ];
    expect(name).toMatch(/^[a-z0-9-]+-[0-9a-f]{16}\.yaml$/);
    const note = parse(read(`${NOTES}/${name}`)) as Record<string, unknown>;
    expect(Object.keys(note).filter((section) => !sections.includes(section))).toEqual([]);
  });
});
