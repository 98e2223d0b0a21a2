// SPDX-License-Identifier: Apache-2.0
// The enforcer: every rule against every kind of asker, the operator's own rules, and files that change or break.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { strangerContext, type RequestContext } from '../../src/context.js';
import { StartupError } from '../../src/exception.js';
import { Policy, type RuleName } from '../../src/policy.js';
import { RULES } from '../../src/policies/registry.js';

const stranger = strangerContext('req-1');

function keystone(roles: string[], scope: Partial<RequestContext> = { projectId: 'p1' }): RequestContext {
  return { ...stranger, user: 'someone', userId: 'u1', via: 'keystone', roles, ...scope };
}

/** Keystone adds the roles that a role implies to its tokens: member has reader, admin has both. */
const ASKERS: Readonly<Record<string, RequestContext>> = {
  stranger,
  'no role': keystone([]),
  reader: keystone(['reader']),
  member: keystone(['member', 'reader']),
  'member, no scope': keystone(['member', 'reader'], {}),
  service: keystone(['service']),
  'role operator': keystone(['operator']),
  admin: keystone(['admin', 'manager', 'member', 'reader']),
  'system admin': keystone(['admin', 'member', 'reader'], { systemScope: true }),
  'group login': { ...stranger, user: 'alice', via: 'jwt', roles: ['operator'] },
  'group admin': { ...stranger, user: 'root', admin: true, via: 'jwt', roles: ['operator', 'admin'] },
};

/** o: for their own project; *: for any project, and for what has none; -: never. In the order of ASKERS. */
const MATRIX: Readonly<Record<RuleName, string>> = {
  context_is_admin: '- - - - - - - * * - *',
  operator: '- - - - - - - - - * *',
  admin_or_operator: '- - - - - - - * * * *',
  access_operate: '- - - - - - - - - - -',
  access_open: '- - - - - - - - - - -',
  access_view: '- - - - - - - - - - -',
  project_reader: '- - o o - - - o - - -',
  project_member: '- - - o - - - o - - -',
  project_reader_or_admin: '- - o o - - - * * * *',
  project_member_or_admin: '- - - o - - - * * * *',
  'kerbside:consoles:list': '- - o o - - - * * * *',
  'kerbside:consoles:show': '- - o o - - - * * * *',
  'kerbside:consoles:show:hypervisor': '- - - - - - - * * * *',
  'kerbside:consoles:show:access': '- - - - - - - * * * *',
  'kerbside:consoles:create': '- - - o - - - * * * *',
  'kerbside:consoles:replace': '- - - o - - - * * * *',
  'kerbside:consoles:replace:unasked': '- - - - - - - * * * *',
  'kerbside:consoles:terminate': '- - - o - - - * * * *',
  'kerbside:consoles:direct': '- - - - - - - * * - *',
  'kerbside:consoles:audit': '- - - - - - - * * * *',
  'kerbside:sessions:list': '- - o o - - - * * * *',
  'kerbside:sessions:show': '- - o o - - - * * * *',
  'kerbside:sessions:terminate': '- - - o - - - * * * *',
  'kerbside:connections:list': '- - o o - - - * * * *',
  'kerbside:sources:list': '- - - - - - - * * * *',
  'kerbside:sources:show': '- - - - - - - * * * *',
  'kerbside:audit_events:list': '- - - - - - - * * * *',
  'kerbside:services:list': '- - - - - - - * * * *',
};

function reach(policy: Policy, context: RequestContext, rule: RuleName): string {
  const own = policy.authorize(context, rule, { project_id: 'p1' });
  const other = policy.authorize(context, rule, { project_id: 'p2' });
  const nobodys = policy.authorize(context, rule, { project_id: null });
  const word = `${String(own)} ${String(other)} ${String(nobodys)}`;
  return { 'true true true': '*', 'true false false': 'o', 'false false false': '-' }[word] ?? word;
}

describe('the defaults', () => {
  const policy = Policy.load(undefined);

  it.each(policy.list().map(({ name }) => name as RuleName))('%s lets exactly these pass', (rule) => {
    const reaches = Object.values(ASKERS).map((context) => reach(policy, context, rule));
    expect(reaches.join(' ')).toBe(MATRIX[rule]);
  });

  it('make this matrix', () => {
    const lines = policy.list().map(({ name }) => {
      const reaches = Object.values(ASKERS).map((context) => reach(policy, context, name as RuleName));
      return `${name.padEnd(35)}${reaches.join('   ')}`;
    });
    const askers = Object.keys(ASKERS).map((name, index) => `${' '.repeat(35 + index * 4)}${name}`);
    process.stdout.write(`${[...askers, ...lines].join('\n')}\n`);
    expect(lines).toHaveLength(RULES.length);
  });

  it('are all in the matrix', () => {
    expect(Object.keys(MATRIX)).toEqual(RULES.map(({ name }) => name));
  });
});

describe('a policy file', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerbside-policy-'));
    file = join(folder, 'policy.yaml');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const show = (policy: Policy, context: RequestContext): boolean =>
    policy.authorize(context, 'kerbside:consoles:show', { project_id: 'p1' });

  it('that does not exist leaves the defaults', () => {
    expect(show(Policy.load(file), ASKERS['reader']!)).toBe(true);
  });

  it('replaces the rules that it names, and no others', () => {
    writeFileSync(file, '"kerbside:consoles:show": "role:auditor"\n');
    const policy = Policy.load(file);
    expect(show(policy, ASKERS['reader']!)).toBe(false);
    expect(show(policy, keystone(['auditor'], {}))).toBe(true);
    expect(policy.authorize(ASKERS['reader']!, 'kerbside:consoles:list', { project_id: 'p1' })).toBe(true);
  });

  it('replaces a rule for all that refer to it', () => {
    writeFileSync(file, '"context_is_admin": "role:cloud_admin"\n"own": "@"\n');
    const policy = Policy.load(file);
    expect(reach(policy, ASKERS['admin']!, 'kerbside:consoles:direct')).toBe('-');
    expect(reach(policy, keystone(['cloud_admin']), 'kerbside:consoles:direct')).toBe('*');
  });

  it('never lets a stranger pass', () => {
    writeFileSync(file, '"kerbside:consoles:show": "@"\n');
    expect(show(Policy.load(file), stranger)).toBe(false);
  });

  it.each([
    ['"kerbside:consoles:show": "role:"\n', 'line 1: rule "kerbside:consoles:show": "role:" has nothing'],
    ['\n"own": "rule:gone"\n', 'line 2: rule "own": there is no rule "gone"'],
    ['"operator": "rule:admin_or_operator"\n', 'line 1: rule "operator": refers to itself'],
    ['nonsense', 'line 1: must be a record of rules'],
  ])('with a fault stops the start: %j', (text, message) => {
    writeFileSync(file, text);
    expect(() => Policy.load(file)).toThrow(StartupError);
    expect(() => Policy.load(file)).toThrow(`${file} ${message}`);
  });

  it('is taken up when it changes, when it comes and when it goes; a fault in it leaves the last good rules', () => {
    const policy = Policy.load(file);
    writeFileSync(file, '"kerbside:consoles:show": "!"\n');
    policy.reload();
    expect(show(policy, ASKERS['reader']!)).toBe(false);

    writeFileSync(file, '"kerbside:consoles:show": "@@@ broken"\n');
    policy.reload();
    expect(show(policy, ASKERS['reader']!)).toBe(false);

    rmSync(file);
    policy.reload();
    expect(show(policy, ASKERS['reader']!)).toBe(true);
  });

  it('is told of when it was taken up, but not when another process told of it, nor when it has a fault', () => {
    let changes = 0;
    const policy = Policy.load(file, () => (changes += 1));
    policy.reload();
    expect(changes).toBe(0);
    writeFileSync(file, '"kerbside:consoles:show": "!"\n');
    policy.reload();
    policy.reload();
    expect(changes).toBe(1);
    writeFileSync(file, '"kerbside:consoles:show": "@@@ broken"\n');
    policy.reload();
    expect(changes).toBe(1);
    rmSync(file);
    policy.follow();
    policy.reload();
    expect([changes, show(policy, ASKERS['reader']!)]).toEqual([1, true]);
  });

  it('is followed by the files of the directories, in the order of their names', () => {
    const dir = join(folder, 'policy.d');
    mkdirSync(dir);
    writeFileSync(file, '"kerbside:consoles:show": "!"\n');
    writeFileSync(join(dir, '10.yaml'), '"kerbside:consoles:show": "@"\n');
    writeFileSync(join(dir, '20.txt'), 'no policy');
    const policy = Policy.load({ file, dirs: [dir, join(folder, 'absent')] });
    expect(show(policy, ASKERS['no role']!)).toBe(true);
    writeFileSync(join(dir, '20.yaml'), '"kerbside:consoles:show": "!"\n');
    policy.reload();
    expect(show(policy, ASKERS['no role']!)).toBe(false);
  });
});
