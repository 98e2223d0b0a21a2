// SPDX-License-Identifier: Apache-2.0
// The clipboard between a real viewer and an agent behind a real spice-server: each way passes where the policy allows it and
// does not where it forbids it, while the session goes on and the policy changes.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { GuestAgent } from '../fixtures/guest-agent.js';
import { type Program, startProgram, waitFor, waitForOutput } from '../fixtures/program.js';
import { repositoryRoot } from '../fixtures/repository.js';
import { clientEnvironment } from '../fixtures/x11.js';

jest.setTimeout(180_000);

const CLIPBOARD = 4;
const ANNOUNCE = 6;
const GRAB = 7;
const REQUEST = 8;
const EMPTY = '';

/** What copies and pastes on the X display. */
class Holder {
  private output = '';

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (bytes: Buffer) => (this.output += bytes.toString()));
  }

  static async start(env: NodeJS.ProcessEnv): Promise<Holder> {
    const script = join(repositoryRoot(), 'test/fixtures/clipboard-holder.tcl');
    const holder = new Holder(spawn('wish', [script], { env, stdio: ['pipe', 'pipe', 'inherit'] }));
    await holder.says('ready');
    return holder;
  }

  async copy(text: string): Promise<void> {
    await this.does(`copy ${text}`, 'copied');
  }

  async paste(): Promise<string> {
    return this.does('paste', '');
  }

  stop(): void {
    this.child.kill();
  }

  private async does(command: string, answer: string): Promise<string> {
    this.output = '';
    this.child.stdin?.write(`${command}\n`);
    return this.says(answer);
  }

  private says(answer: string): Promise<string> {
    return waitFor('the program with the clipboard', () => {
      const [line, ...more] = this.output.split('\n');
      return more.length > 0 && line !== undefined && line.startsWith(answer) ? line : null;
    });
  }
}

let desk: Desk;
let agent: GuestAgent;
let viewer: Program;
let holder: Holder;
let confFile: string;
let changes = 0;

beforeAll(async () => {
  desk = await startDesk((dir) => {
    confFile = join(dir, 'kerbside.conf');
    writeFileSync(confFile, '[guest_policy]\n');
    return { confFile, guest: { bridge: 'agent' } };
  });
  agent = await GuestAgent.start(desk.lab.guest.bridgeSocket ?? '');
  const dir = join(desk.dir, 'viewer');
  mkdirSync(dir, { mode: 0o700 });
  const file = join(dir, 'opened.vv');
  writeFileSync(file, (await desk.vv()).text, { mode: 0o600 });
  const env = { ...clientEnvironment(dir), DISPLAY: desk.x.display };
  holder = await Holder.start(env);
  viewer = await startProgram('remote-viewer', [file], { logFile: join(dir, 'remote-viewer.log'), env });
  await waitFor('the capabilities of the viewer', () => agent.of(ANNOUNCE)[0] ?? null);
});

afterAll(async () => {
  holder.stop();
  agent.stop();
  await viewer.stop(2000);
  await desk.stop();
});

/** Changes [guest_policy] of the running session. */
async function policy(clipboard: string): Promise<void> {
  writeFileSync(confFile, `[guest_policy]\nclipboard = ${clipboard}\n`);
  changes += 1;
  desk.lab.kerbside.program.child.kill('SIGHUP');
  await waitForOutput(desk.lab.kerbside.program, 'the guest data policy is another one', changes);
}

/** The user copies, the guest pastes. */
async function toGuest(text: string): Promise<void> {
  const grabs = agent.of(GRAB).length;
  const answers = agent.of(CLIPBOARD).length;
  await waitFor(
    'the grab of the client',
    async () => {
      // A viewer that does not know yet that the agent has a clipboard says nothing.
      await holder.copy(text);
      return agent.of(GRAB)[grabs] ?? null;
    },
    { everyMs: 500 },
  );
  agent.ask();
  expect(await agent.clipboard(answers)).toBe(text);
}

/** The guest copies, the user pastes. */
async function fromGuest(text: string): Promise<void> {
  agent.copy(text);
  await waitFor('the text of the guest', async () => (await holder.paste()) === `pasted: ${text}`, {
    everyMs: 300,
  });
}

/** The guest pastes, and has nothing: it does not wait for ever. */
async function nothingForGuest(): Promise<void> {
  const answers = agent.of(CLIPBOARD).length;
  agent.ask();
  expect(await agent.clipboard(answers)).toBe(EMPTY);
}

describe('the clipboard of remote-viewer and of an agent', () => {
  it('goes both ways where nothing forbids it', async () => {
    await toGuest('from the user');
    await fromGuest('from the guest');
  });

  it('goes to the guest and not from it', async () => {
    await policy('to-guest');
    await toGuest('allowed to the guest');
    const requests = agent.of(REQUEST).length;
    agent.copy('a secret of the guest');
    await toGuest('still allowed');
    expect(await holder.paste()).toBe('pasted: still allowed');
    expect(agent.of(REQUEST)).toHaveLength(requests);
  });

  it('goes from the guest and not to it', async () => {
    await policy('from-guest');
    const grabs = agent.of(GRAB).length;
    await holder.copy('a secret of the user');
    await nothingForGuest();
    await fromGuest('allowed from the guest');
    await holder.copy('another secret of the user');
    await nothingForGuest();
    expect(agent.of(GRAB)).toHaveLength(grabs);
  });

  it('goes nowhere, and both ways again after that', async () => {
    await policy('none');
    const grabs = agent.of(GRAB).length;
    await holder.copy('kept');
    agent.copy('kept as well');
    await nothingForGuest();
    expect(await holder.paste()).toBe('pasted: kept');
    expect(agent.of(GRAB)).toHaveLength(grabs);
    await policy('both');
    await toGuest('free again');
    await fromGuest('free as well');
    expect(viewer.ended()).toBeNull();
    const metrics = await desk.lab.kerbside.metrics();
    for (const direction of ['client_to_server', 'server_to_client'])
      expect(metrics).toMatch(
        new RegExp(`guest_policy_drops_total\\{key="clipboard",direction="${direction}"\\} [1-9]`),
      );
  });
});
