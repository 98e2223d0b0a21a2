// SPDX-License-Identifier: Apache-2.0
// The example of a broker with users of Keystone, who boot a desktop in Nova, wait until it is there, open it and end it. Kerbside is the
// real service; Keystone and Nova speak the wire. What it does at a real desktop is in test/e2e/broker-example.test.ts.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort, runProgram, startProgram, waitForOutput, type Program } from '../../fixtures/program.js';
import { repositoryRoot } from '../../fixtures/repository.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import { IMAGE } from '../../fixtures/nova-server.js';
import { aV1Site, type V1Site } from '../../fixtures/v1-site.js';
import { parseVvFile } from '../../fixtures/vv-file.js';

const PORTAL = join(repositoryRoot(), 'clients/broker-example/portal.py');
const PASSWORD = 'a good long password';
const FLAVOR = '7b5e9a40-3f52-4b0e-9d0c-2a1f6c0e8d11';

let v1: V1Site;
let portal: Program;
let url: string;

beforeAll(async () => {
  v1 = await aV1Site();
  const { keystone, nova, project } = v1.cloud;
  for (const name of ['ann', 'bob']) keystone.addAccount(name, PASSWORD, project, 'member');
  const port = await freePort();
  url = `http://127.0.0.1:${String(port)}`;
  const kerbside = `http://127.0.0.1:${String(v1.site.server.port)}`;
  portal = await startProgram(
    '/usr/bin/python3',
    [
      ...['-B', PORTAL, '--plain', '--port', String(port), '--kerbside', kerbside],
      ...['--keystone', keystone.url, '--nova', nova.url, '--image', IMAGE, '--flavor', FLAVOR],
    ],
    { logFile: join(scratchFolder('broker-'), 'portal.log') },
  );
  await waitForOutput(portal, 'portal on');
});
afterAll(async () => {
  await portal.stop();
  await v1.close();
});

/** Somebody with a browser: it keeps the cookie, and sends forms as they stand in the page. */
class Visitor {
  private cookie = '';
  page = '';
  status = 0;

  async get(): Promise<void> {
    await this.take(await fetch(`${url}/`, { headers: this.headers(), redirect: 'manual' }));
  }

  /** Sends the form of a page that has this button; follows to the front page. */
  async press(button: string, fields: Readonly<Record<string, string>> = {}): Promise<Response> {
    const form = this.page.split('<form').find((text) => text.includes(`>${button}</button>`));
    if (form === undefined) throw new Error(`no button ${button} in: ${this.page}`);
    const hidden = [...form.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)];
    const all = {
      ...Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value])),
      ...fields,
    };
    const path = /action="([^"]*)"/.exec(form)?.[1] ?? '/';
    const response = await fetch(`${url}${path}`, {
      ...{ method: 'POST', redirect: 'manual', headers: this.headers() },
      body: new URLSearchParams(all),
    });
    await this.take(response.clone());
    if (response.status === 303) await this.get();
    return response;
  }

  async signIn(name: string, project = 'demo', password = PASSWORD): Promise<void> {
    await this.get();
    await this.press('Sign in', { name, password, project });
  }

  private headers(): Record<string, string> {
    return this.cookie === '' ? {} : { cookie: this.cookie };
  }

  private async take(response: Response): Promise<void> {
    const [cookie] = response.headers.getSetCookie();
    if (cookie !== undefined) this.cookie = cookie.split(';', 1)[0] ?? '';
    this.status = response.status;
    this.page = await response.text();
  }
}

describe('the example of a broker, with Keystone and Nova', () => {
  it('boots a desktop as the user, waits for it, opens it and ends it', async () => {
    const ann = new Visitor();
    await ann.signIn('ann');
    expect(ann.page).toContain('Signed in as ann.');
    await ann.press('Boot a desktop', { name: 'office-1' });
    expect([ann.status, /<h1>(.*?)<\/h1>/.exec(ann.page)?.[1]]).toEqual([
      409,
      'The desktop is not ready yet',
    ]);
    const [server] = [...v1.cloud.nova.servers.values()];
    expect(server).toMatchObject({ name: 'office-1', imageId: IMAGE, flavorId: FLAVOR, status: 'BUILD' });
    await ann.press('Try again');
    expect(ann.status).toBe(409);
    Object.assign(server!, { status: 'ACTIVE', taskState: null, launchedAt: '2026-11-30T12:00:00.000000' });
    const file = await ann.press('Try again');
    expect(file.headers.get('content-type')).toContain('application/x-virt-viewer');
    expect(parseVvFile(ann.page).password).toHaveLength(48);
    // From now on it is in the list, with a way to end it.
    await ann.get();
    expect(ann.page).toContain('<th scope="row">office-1</th>');
    await ann.press('End');
    const session = await v1.ask(v1.cloud.user(['admin']), 'GET', '/v1/sessions');
    expect(session.json).toMatchObject({ sessions: [{ state: expect.stringMatching(/^clos(ing|ed)$/) }] });
  });

  it('lets in nobody whom Keystone does not know, or whose project it is not', async () => {
    const other = v1.cloud.keystone.directory.addProject('other');
    expect(other.name).toBe('other');
    for (const [name, project, password] of [
      ['ann', 'demo', 'wrong'],
      ['nobody', 'demo', PASSWORD],
      ['ann', 'other', PASSWORD],
    ] as const) {
      const visitor = new Visitor();
      await visitor.signIn(name, project, password);
      expect([visitor.status, visitor.page.includes('The name or the password is wrong.')]).toEqual([
        401,
        true,
      ]);
    }
  });

  it('tells what Nova says when it does not boot, and signs out who is not known any more', async () => {
    const bob = new Visitor();
    await bob.signIn('bob');
    const { server } = v1.cloud.nova;
    const end = server.fault(/^POST .*\/servers$/, {
      kind: 'json',
      status: 403,
      body: { forbidden: { code: 403, message: 'Quota exceeded for cores' } },
    });
    await bob.press('Boot a desktop', { name: 'office-2' });
    end();
    expect([bob.status, bob.page.includes('Quota exceeded for cores')]).toEqual([403, true]);
    await bob.get();
    for (const token of v1.cloud.keystone.directory.tokens.values()) token.revoked = true;
    await bob.press('Boot a desktop', { name: 'office-3' });
    expect(bob.page).toContain('<h1>Sign in</h1>');
  });

  it('writes neither passwords nor tokens to its log', () => {
    expect(portal.output()).not.toContain(PASSWORD);
    for (const { value } of v1.cloud.keystone.directory.tokens.values())
      expect(portal.output()).not.toContain(value);
  });

  it('says at its start what it lacks', async () => {
    const run = await runProgram('/usr/bin/python3', [
      '-B',
      PORTAL,
      '--kerbside',
      'http://127.0.0.1:1',
      '--nova',
      'x',
    ]);
    expect([run.status, run.stderr]).toEqual([2, expect.stringContaining('--nova needs --keystone')]);
  });
});
