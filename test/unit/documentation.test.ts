// SPDX-License-Identifier: Apache-2.0
// The documentation names what the code has: no option, route, metric, audit message or program is left out.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { parse } from 'yaml';
import { ROUTES } from '../../src/api/routes.js';
import { addAuditCommands } from '../../src/cmd/manage/audit.js';
import { addCertificateCommands } from '../../src/cmd/manage/certificate.js';
import { addConfigCommands } from '../../src/cmd/manage/config.js';
import { addConsoleCommands } from '../../src/cmd/manage/console.js';
import { addDatabaseCommands } from '../../src/cmd/manage/database.js';
import { addEncryptionCommands } from '../../src/cmd/manage/encryption.js';
import { addPolicyCommands } from '../../src/cmd/manage/policy.js';
import { addGroupCommands } from '../../src/cmd/manage/group.js';
import { addRecordingCommands } from '../../src/cmd/manage/recording.js';
import { addServiceCommands } from '../../src/cmd/manage/service.js';
import { addSessionCommands } from '../../src/cmd/manage/session.js';
import { addTokenCommands } from '../../src/cmd/manage/token.js';
import { addUserCommands } from '../../src/cmd/manage/user.js';
import { listGroups } from '../../src/conf/groups.js';
import { loadConf } from '../../src/conf/index.js';
import { AuditMetrics } from '../../src/audit/metrics.js';
import { AUDIT_SINKS } from '../../src/objects/audit-cursor.js';
import type { Database } from '../../src/objects/database.js';
import { ProxyMetrics } from '../../src/console/control/metrics.js';
import { Html5Metrics } from '../../src/html5proxy/metrics.js';
import { NotificationMetrics } from '../../src/notifications/metrics.js';
import { AUDIT } from '../../src/objects/audit-message.js';
import { parseSources } from '../../src/sources/file/sources-file.js';

const read = (path: string): string => readFileSync(path, 'utf8');
const NOTES = 'releasenotes/notes';
const EXAMPLES = 'doc/source/reference/examples';
const CLIENT = 'clients/python-kerbsideclient';
/** What a warning says of an option that is one of nova.conf. */
const OF_NOVA =
  /spice_direct_proxy_base_url|html5proxy_base_url|\[vnc\] is not a group|\[spice\] (enabled|agent_enabled|server_listen|server_proxyclient_address)|\[notifications\] (notification_format|notify_on_state_change)/;

const folder = mkdtempSync(join(tmpdir(), 'kerbside-documentation-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The configuration files that a page shows, without their indentation. */
function examples(path: string): string[] {
  const blocks = read(path).matchAll(/^( *)\.\. code-block:: ini\n\n((?:\1 +.*\n|\n)+)/gm);
  return Array.from(blocks, ([, , block = '']) => block.replace(/^ +/gm, ''));
}

/** What a page writes into a file by `cat`, with a word where the shell puts something in. */
function writtenIn(path: string, name: string): string {
  const [, block = ''] =
    new RegExp(`cat >\\S*/${name.replace('.', '\\.')} <<END\n([^]*?)\n +END\n`).exec(read(path)) ?? [];
  const indent = /^ */.exec(block)?.[0] ?? '';
  const text = block.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
  return `${text.replace(/\$\([^)]*\)|\$[A-Z]+/g, '/made')}\n`;
}

function pages(): string[] {
  const names = readdirSync('doc/source', { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.rst')).map((name) => `doc/source/${name}`);
}

/** The files with commands and what they answered (tox-style-scripts/genexamples). */
function shown(): string[] {
  return readdirSync(EXAMPLES).map((name) => `${EXAMPLES}/${name}`);
}

async function metricNames(): Promise<string[]> {
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
  // Only a scrape asks the database.
  const audit = new AuditMetrics(Object.create(null) as Database, AUDIT_SINKS);
  const registries = [new ProxyMetrics(), notifications, new Html5Metrics(), audit].map(
    ({ registry }) => registry,
  );
  return (await Promise.all(registries.map((one) => one.getMetricsAsJSON()))).flat().map(({ name }) => name);
}

/** Each command of kerbside-manage as `noun verb`, with its options. */
function manageCommands(): Map<string, Set<string>> {
  const manage = new Command();
  for (const add of [
    addAuditCommands,
    addCertificateCommands,
    addConfigCommands,
    addConsoleCommands,
    addDatabaseCommands,
    addEncryptionCommands,
    addGroupCommands,
    addPolicyCommands,
    addRecordingCommands,
    addServiceCommands,
    addSessionCommands,
    addTokenCommands,
    addUserCommands,
  ])
    add(manage);
  const found = manage.commands.flatMap((noun) =>
    noun.commands.map((verb): [string, Set<string>] => [
      `${noun.name()} ${verb.name()}`,
      new Set(verb.options.flatMap(({ long }) => long ?? [])),
    ]),
  );
  return new Map(found);
}

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

  it.each([...pages(), 'README.rst'].filter((path) => examples(path).length > 0))(
    'shows configuration in %s that can be used as it is',
    (path) => {
      const file = join(folder, 'kerbside.conf');
      for (const example of examples(path)) {
        writeFileSync(file, example);
        const { warnings } = loadConf({ configFiles: [file], configDirs: [] }, {});
        expect(warnings.filter((warning) => !OF_NOVA.test(warning))).toEqual([]);
        // A comment behind a value is part of the value.
        expect(example).not.toMatch(/=.*[ \t]#/);
      }
    },
  );

  it.each(['README.rst', 'doc/source/install/first-desktop.rst'])(
    'writes files in %s that are good',
    (path) => {
      const file = join(folder, 'kerbside.conf');
      writeFileSync(file, writtenIn(path, 'kerbside.conf'));
      const { conf, warnings } = loadConf({ configFiles: [file], configDirs: [] }, {});
      expect(warnings).toEqual([]);
      expect(conf.sources.path).toMatch(/sources\.yaml$/);
      const { entries, nameless } = parseSources(writtenIn(path, 'sources.yaml'));
      expect([entries.flatMap(({ faults }) => faults), nameless]).toEqual([[], []]);
      expect(entries).toHaveLength(1);
    },
  );

  it('names no option that does not exist', () => {
    const options = new Set(
      listGroups().flatMap(([, group]) =>
        Object.keys(group.options).map((option) => `[${group.name}] ${option}`),
      ),
    );
    for (const path of pages()) {
      const named = read(path).matchAll(/``(\[[a-zA-Z0-9_]+\])\s+([a-z0-9_]+)/g);
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
    for (const name of await metricNames()) expect(page).toContain(`\`\`${name}\`\``);
  });

  it('names no metric that does not exist, nor do alerts and dashboard', async () => {
    const known = new Set(await metricNames());
    const role = 'kolla/ansible/roles/kerbside';
    const files = [
      ...pages(),
      `${role}/templates/prometheus.rules.j2`,
      `${role}/files/grafana-dashboard.json`,
    ];
    const metric =
      /\bkerbside_(?:proxy|html5proxy|notifications|messaging|audit)_\w+?(?:_total|_seconds(?:_bucket)?|_connected)\b/g;
    for (const path of files) {
      for (const [name] of read(path).matchAll(metric))
        expect([path, name, known.has(name.replace(/_bucket$/, ''))]).toContain(true);
    }
  });

  it('lists every command of kerbside-manage with its options, and no other', () => {
    const page = read('doc/source/cli/kerbside-manage.rst');
    const [, section = ''] = page.split('\nCommands\n');
    const documented = [...section.matchAll(/^``([a-z]+ [a-z]+)(.*)``$/gm)].map(
      ([, command = '', rest = '']): [string, Set<string>] => [
        command,
        new Set(Array.from(rest.matchAll(/--[a-z-]+/g), ([option]) => option)),
      ],
    );
    expect(new Map(documented)).toEqual(manageCommands());
  });

  it('names no command of kerbside-manage or openstack that does not exist', () => {
    const known = manageCommands();
    const entryPoints = read(`${CLIENT}/pyproject.toml`).matchAll(/^(console_\w+) = /gm);
    const plugin = new Set(Array.from(entryPoints, ([, name = '']) => name.replaceAll('_', ' ')));
    for (const path of [...pages(), ...shown(), 'README.rst', `${CLIENT}/README.rst`]) {
      const text = read(path).replace(/\s+/g, ' ');
      for (const [, command = ''] of text.matchAll(/(?<!`)kerbside-manage ([a-z]+ [a-z]+)/g))
        expect([path, command, known.has(command)]).toContain(true);
      for (const [, command = ''] of text.matchAll(
        /openstack (console (?:desktop|session|source|audit|service) [a-z]+)/g,
      ))
        expect([path, command, plugin.has(command)]).toContain(true);
    }
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
    const [, example = ''] = sample.split('with some sources:\n');
    const { entries, nameless, warnings } = parseSources(example.replace(/^# ?/gm, ''));
    expect([nameless, warnings]).toEqual([[], []]);
    expect(entries.map((entry) => entry.listed.consoles.length)).toEqual([2, 0, 0, 0, 0, 0]);
    expect(entries.flatMap((entry) => entry.faults)).toEqual([
      expect.stringContaining('source "lab", ca_cert: is not a certificate'),
      expect.stringContaining('source "fist", ca_cert: is not a certificate'),
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
