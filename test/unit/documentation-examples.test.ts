// SPDX-License-Identifier: Apache-2.0
// What the documentation shows is true: examples of requests are of routes that exist and answered as the OpenAPI document says,
// numbers are computed from those that were measured, sentences are those that users read, and files are there.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { SESSION_STATES } from '../../src/db/models/session-state.js';
import { sentencesAbout } from '../../src/service/explanation.js';
import { differences } from '../fixtures/json-schema.js';

type Schema = Readonly<Record<string, unknown>>;
type Contents = Readonly<Record<string, { readonly schema: Schema }>>;
interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Contents }>>;
}

const EXAMPLES = 'doc/source/reference/examples';
const IMAGES = 'doc/source/images';
const LARGEST_IMAGE = 100_000;
/** How far a figure of sizing.rst may be from the newest bench before the page has to be written anew. */
const TOLERANCE = 0.25;

const read = (path: string): string => readFileSync(path, 'utf8');
const document = JSON.parse(read('doc/source/openapi.json')) as {
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: { schemas: Readonly<Record<string, Schema>> };
};
const examples = readdirSync(EXAMPLES).map((name) => {
  const [command = '', ...answer] = read(`${EXAMPLES}/${name}`).split('\n');
  return { name, command, answer: answer.join('\n').trim() };
});
const requests = examples.filter(({ command }) => command.startsWith('$ curl '));

/** The operation that a command asks for. */
function operationOf(command: string): Operation | undefined {
  const [, given = '/'] =
    /(?:\$KERBSIDE|https:\/\/kerbside\.example\.com:13002)([^"? ]*)/.exec(command) ?? [];
  const [, method = / -d /.test(command) ? 'POST' : 'GET'] = /-X ([A-Z]+)/.exec(command) ?? [];
  const path = Object.keys(document.paths).find((one) =>
    new RegExp(`^${one.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(given),
  );
  return document.paths[path ?? '']?.[method.toLowerCase()];
}

function statusOf(answer: string): string[] {
  const { status, errors } = JSON.parse(answer) as { status?: number; errors?: { status: number }[] };
  const fault = status ?? errors?.[0]?.status;
  return fault === undefined ? ['200', '201'] : [String(fault)];
}

describe('an example of a request', () => {
  it.each(requests)('$name is answered as the OpenAPI document says', ({ command, answer }) => {
    const operation = operationOf(command);
    expect(operation).toBeDefined();
    const responses = operation?.responses ?? {};
    if (/^\d+$/.test(answer)) {
      expect(Object.keys(responses)).toContain(answer);
      return;
    }
    if (!answer.startsWith('{')) {
      expect(answer).toMatch(/^\[virt-viewer\]\n/);
      expect(Object.keys(responses['200']?.content ?? {})).toContain('application/x-virt-viewer');
      return;
    }
    const schemas = statusOf(answer).flatMap((status): Schema[] => {
      const schema = responses[status]?.content?.['application/json']?.schema;
      return schema === undefined ? [] : [schema];
    });
    expect(schemas).toHaveLength(1);
    const [schema = {}] = schemas;
    expect(differences(JSON.parse(answer), schema, document.components.schemas)).toEqual([]);
  });

  it('has no secret in it, and nothing of the machine that made it', () => {
    for (const { name, command, answer } of examples) {
      const text = `${command}\n${answer}`;
      expect([name, /password=(?!\w{6}\.\.\.)|key=\w{7}|eyJ\w{4}|127\.0\.0|\/tmp\//.exec(text)?.[0]]).toEqual(
        [name, undefined],
      );
    }
  });

  it('is shown on a page, and each page shows none that is not there', () => {
    const pages = ['rest-api', 'api-v1'].map((name) => read(`doc/source/reference/${name}.rst`)).join('');
    const included = [...pages.matchAll(/literalinclude:: examples\/(.+)/g)].map(([, name]) => name);
    expect(included.sort()).toEqual(examples.map(({ name }) => name).sort());
  });
});

describe('the page about sizes', () => {
  const page = read('doc/source/admin/sizing.rst');

  it('computes what it says', () => {
    const sums = [...page.matchAll(/^ +\$ (awk '.+')\n +(\S+)$/gm)];
    expect(sums.length).toBeGreaterThan(10);
    for (const [, command = '', said] of sums)
      expect([command, execFileSync('bash', ['-c', command], { encoding: 'utf8' }).trim()]).toEqual([
        command,
        said,
      ]);
  });

  it('begins with figures that the newest bench still finds', () => {
    const bench = read('doc/source/performance.rst');
    const figures = [...page.matchAll(/^.{42,44}? ([\d.]+) +\S+ +(\S.+?)$/gm)].filter(
      ([, , row]) => bench.includes(`* - ${row?.split(', wall')[0] ?? ''}`) || row === 'its parent',
    );
    expect(figures).toHaveLength(6);
    for (const [, value, row = ''] of figures) {
      const now = newest(bench, row);
      expect([row, Math.abs(Number(value) - now) <= now * TOLERANCE]).toEqual([row, true]);
    }
  });
});

/** The figure of the last column with one: Kerbside's, under the newest Node. */
function newest(bench: string, row: string): number {
  const [name = '', detail] = row === 'its parent' ? ['memory per idle channel', row] : row.split(', wall');
  const from = bench.indexOf(`* - ${name}\n`);
  const start = detail === undefined ? from : bench.indexOf(`* - ... ${detail || 'wall'}\n`, from);
  const end = bench.indexOf('\n   * - ', start);
  const cells = bench
    .slice(start, end)
    .split(/\n {5}-(?: |$)/m)
    .slice(2, -1);
  const [figure = ''] = /[\d.]+(?=\)?$)/.exec(cells.at(-1)?.trim() ?? '') ?? [];
  return Number(figure);
}

describe('the page for users', () => {
  it('says what the service says to them', () => {
    const page = read('doc/source/user/desktop.rst');
    for (const about of ['unknown', 'stopped', 'unreachable', 'terminated', 'in_use'] as const)
      expect(page).toContain(`"${sentencesAbout(about).title}"`);
  });
});

describe('the glossary', () => {
  const page = read('doc/source/reference/glossary.rst');
  const terms = Array.from(page.matchAll(/^ {3}([a-z].+)$/gm), ([, term = '']) => term);

  it('has its terms in the order of the alphabet, the frequent ones among them', () => {
    expect(terms).toEqual([...terms].sort());
    expect(terms).toEqual(
      expect.arrayContaining(['channel', 'connection', 'generation', 'grant', 'lease', 'session']),
    );
  });

  it('names every state of a session', () => {
    const [, session = ''] = page.split('\n   session\n');
    for (const state of SESSION_STATES) expect(session.split('\n\n')[0]).toContain(`\`\`${state}\`\``);
  });
});

describe('pictures', () => {
  it.each(readdirSync(IMAGES))('%s is small', (name) => {
    expect(statSync(`${IMAGES}/${name}`).size).toBeLessThan(LARGEST_IMAGE);
  });
});

describe('CONTRIBUTING.rst', () => {
  const page = read('CONTRIBUTING.rst');

  it('names files that are there', () => {
    const named = [...page.matchAll(/``((?:src|test|doc|etc|tox-style-scripts|releasenotes)\/[^`<>\s]+)``/g)];
    expect(named.length).toBeGreaterThan(20);
    for (const [, path = ''] of named) expect([path, existsSync(path)]).toEqual([path, true]);
  });

  it('lists every script', () => {
    const scripts = readdirSync('tox-style-scripts').filter((name) => !name.includes('.'));
    for (const name of scripts) expect(page).toContain(`\n\`\`${name}\`\``);
  });
});
