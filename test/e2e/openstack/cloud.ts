// SPDX-License-Identifier: Apache-2.0
// The real OpenStack of cloud/ as its users see it: logins at Keystone, servers and consoles at Nova, the openstack
// command, and the power switch of a service. It knows nothing of Kerbside.
import { join } from 'node:path';
import { repositoryRoot } from '../../fixtures/repository.js';
import { runProgram, waitFor } from '../../fixtures/program.js';

/** Every guest's name starts so, for the next run to find what this one left. */
export const PREFIX = 'kerbside-e2e-';
const NEWEST = '2.99';
/** The packages alone take that long on a machine that has other work. */
const UP_MS = 3_600_000;
const STATUS_MS = 240_000;

/** A user of the cloud, logged in. */
export interface Account {
  readonly user: string;
  readonly project: string;
  readonly projectId: string;
  readonly token: string;
}

/** A guest. */
export interface Guest {
  readonly id: string;
  readonly name: string;
  readonly owner: Account;
}

/** Where Nova says that a console token leads. */
export interface Resolved {
  instance_uuid: string;
  host: string;
  port: number;
  tls_port?: number | null;
}

/** An answer of the cloud. */
export interface CloudAnswer {
  status: number;
  json: unknown;
}

/** The cloud's settings, from the environment as cloud/settings.sh reads them. */
export class Cloud {
  readonly root = process.env['CLOUD_ROOT'] ?? '/var/tmp/kerbside-openstack';
  readonly password = process.env['CLOUD_PASSWORD'] ?? 'labsecret';
  readonly keystone = `http://127.0.0.1:${process.env['KEYSTONE_PORT'] ?? '5000'}/v3`;
  readonly nova = `http://127.0.0.1:${process.env['NOVA_PORT'] ?? '8774'}/v2.1`;
  /** Nova's message broker, as a transport URL. */
  readonly broker = `rabbit://openstack:${this.password}@127.0.0.1:${process.env['MQ_PORT'] ?? '15673'}/`;
  private readonly scripts = join(repositoryRoot(), 'test/e2e/openstack/cloud');

  /** CA of the hypervisor's SPICE certificate. */
  get spiceCa(): string {
    return join(this.root, 'etc/pki/libvirt-spice/ca-cert.pem');
  }

  /** Installs, configures and starts what is missing. @throws Error with the last lines of the script. */
  async up(): Promise<void> {
    await this.script('up.sh', [], UP_MS);
  }

  /** Ends the cloud and its guests. */
  async down(): Promise<void> {
    await this.script('down.sh', ['--unmount'], UP_MS);
  }

  /** Stops one service by its pid file; `up` starts it again. */
  async stopService(name: string): Promise<void> {
    const command = `. ${this.scripts}/lib.sh; stop ${name}`;
    const result = await runProgram('bash', ['-c', command], { env: process.env, timeoutMs: 60_000 });
    if (result.status !== 0) throw new Error(`cannot stop ${name}: ${result.stderr}`);
  }

  /** Runs the cloud's own openstack command as an account. @throws Error with its words. */
  async openstack(account: Account, ...args: string[]): Promise<string> {
    const env = { ...process.env, OS_USERNAME: account.user, OS_PROJECT_NAME: account.project };
    const result = await runProgram(join(this.scripts, 'openstack'), args, { env, timeoutMs: 120_000 });
    if (result.status !== 0) throw new Error(`openstack ${args.join(' ')}: ${result.stderr.trim()}`);
    return result.stdout.trim();
  }

  /** Whether the openstack command knows an option of `console url show`. */
  async clientKnows(account: Account, option: string): Promise<boolean> {
    return (await this.openstack(account, 'console', 'url', 'show', '--help')).includes(option);
  }

  /** Logs in. @throws Error when Keystone refuses. */
  async login(user: string, project: string): Promise<Account> {
    const domain = { id: 'default' };
    const answer = await fetch(`${this.keystone}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: user, domain, password: this.password } },
          },
          scope: { project: { name: project, domain } },
        },
      }),
    });
    const token = answer.headers.get('x-subject-token');
    if (token === null) throw new Error(`login of ${user}: ${answer.status} ${await answer.text()}`);
    const body = (await answer.json()) as { token: { project: { id: string } } };
    return { user, project, projectId: body.token.project.id, token };
  }

  /** Takes a token back. */
  async revoke(admin: Account, token: string): Promise<void> {
    const headers = { 'x-auth-token': admin.token, 'x-subject-token': token };
    await fetch(`${this.keystone}/auth/tokens`, { method: 'DELETE', headers });
  }

  /** Calls Nova. */
  async call(
    account: Account,
    method: string,
    path: string,
    body?: unknown,
    version = NEWEST,
  ): Promise<CloudAnswer> {
    const answer = await fetch(`${this.nova}${path}`, {
      method,
      headers: {
        'x-auth-token': account.token,
        'content-type': 'application/json',
        'openstack-api-version': `compute ${version}`,
        'x-openstack-nova-api-version': version,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, json: text.startsWith('{') ? JSON.parse(text) : text };
  }

  /** Starts a guest and waits until it runs. */
  async boot(
    owner: Account,
    name: string,
    image = 'bootsector',
    more: { flavor?: string; metadata?: Record<string, string> } = {},
  ): Promise<Guest> {
    const flavors = await this.expect(owner, 'GET', '/flavors');
    const wanted = more.flavor ?? 'nano';
    const flavor = (flavors['flavors'] as { id: string; name: string }[]).find((one) => one.name === wanted);
    const server = {
      name,
      ...(more.metadata === undefined ? {} : { metadata: more.metadata }),
      imageRef: await this.imageId(owner, image),
      flavorRef: flavor?.id,
      networks: 'none',
    };
    const made = await this.expect(owner, 'POST', '/servers', { server });
    const guest = { id: (made['server'] as { id: string }).id, name, owner };
    await this.reaches(guest, 'ACTIVE');
    return guest;
  }

  /** An action on a guest, and the status that it leads to. */
  async act(guest: Guest, action: Record<string, unknown>, status: string): Promise<void> {
    await this.expect(guest.owner, 'POST', `/servers/${guest.id}/action`, action);
    await this.reaches(guest, status);
  }

  /** Waits until Nova does nothing to a guest any more. */
  async settled(guest: Guest): Promise<void> {
    await this.reaches(guest, 'ACTIVE');
  }

  /** Deletes a guest and waits until Nova knows it no more. */
  async remove(guest: Guest): Promise<void> {
    await this.call(guest.owner, 'DELETE', `/servers/${guest.id}`);
    await waitFor(
      `end of ${guest.name}`,
      async () => (await this.call(guest.owner, 'GET', `/servers/${guest.id}`)).status === 404,
      { giveUpMs: STATUS_MS, everyMs: 500 },
    );
  }

  /** Deletes what an earlier run left behind. */
  async removeAll(account: Account, prefix: string): Promise<void> {
    const list = await this.expect(account, 'GET', '/servers');
    const left = (list['servers'] as { id: string; name: string }[]).filter((one) =>
      one.name.startsWith(prefix),
    );
    await Promise.all(left.map(({ id, name }) => this.remove({ id, name, owner: account })));
  }

  /** The URL of a console, made by the API call `remote-consoles`. */
  async consoleUrl(account: Account, guest: Guest, type: string, version = NEWEST): Promise<string> {
    const body = { remote_console: { protocol: 'spice', type } };
    const answer = await this.expect(account, 'POST', `/servers/${guest.id}/remote-consoles`, body, version);
    return (answer['remote_console'] as { url: string }).url;
  }

  /** The URL of a console, made by the action of Nova before 2.6. */
  async consoleUrlByAction(account: Account, guest: Guest): Promise<string> {
    const body = { 'os-getSPICEConsole': { type: 'spice-html5' } };
    const answer = await this.expect(account, 'POST', `/servers/${guest.id}/action`, body, '2.5');
    return (answer['console'] as { url: string }).url;
  }

  /** Where a console token leads, as an administrator learns it. */
  async resolve(admin: Account, url: string): Promise<Resolved | null> {
    const answer = await this.call(admin, 'GET', `/os-console-auth-tokens/${tokenOf(url)}`);
    return answer.status === 200 ? (answer.json as { console: Resolved }).console : null;
  }

  private async reaches(guest: Guest, status: string): Promise<void> {
    await waitFor(
      `${guest.name} being ${status}`,
      async () => {
        const answer = await this.expect(guest.owner, 'GET', `/servers/${guest.id}`);
        const server = answer['server'] as Record<string, unknown>;
        if (server['status'] === 'ERROR')
          throw new Error(`${guest.name} failed: ${JSON.stringify(server['fault'])}`);
        return server['status'] === status && server['OS-EXT-STS:task_state'] === null;
      },
      { giveUpMs: STATUS_MS, everyMs: 500 },
    );
  }

  private async imageId(account: Account, name: string): Promise<string> {
    const port = process.env['GLANCE_PORT'] ?? '9292';
    const headers = { 'x-auth-token': account.token };
    const answer = await fetch(`http://127.0.0.1:${port}/v2/images?name=${name}`, { headers });
    const { images } = (await answer.json()) as { images: { id: string }[] };
    const id = images[0]?.id;
    if (id === undefined) throw new Error(`the cloud has no image ${name}`);
    return id;
  }

  private async expect(
    account: Account,
    method: string,
    path: string,
    body?: unknown,
    version?: string,
  ): Promise<Record<string, unknown>> {
    const answer = await this.call(account, method, path, body, version);
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.json)}`);
    return answer.json as Record<string, unknown>;
  }

  private async script(name: string, args: readonly string[], timeoutMs: number): Promise<void> {
    const result = await runProgram(join(this.scripts, name), args, { env: process.env, timeoutMs });
    if (result.status === 0) return;
    const words = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-8).join('\n');
    throw new Error(`${name} failed:\n${words}`);
  }
}

/** The console token in a URL. @throws Error when it has none. */
export function tokenOf(url: string): string {
  const token = new URL(url).searchParams.get('token');
  if (token === null) throw new Error('the console URL has no token');
  return token;
}
