// SPDX-License-Identifier: Apache-2.0
// What README.rst says under "Start it by hand", word for word, in the home of somebody who has nothing yet: until
// remote-viewer shows the desktop. Ports and name are changed, by the environment: those of the text may be taken, and
// the machine's own name may lead nowhere.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { freeKerbsidePorts } from '../fixtures/kerbside-process.js';
import { freePort, isFree, isListening, runProgram, startProgram, waitFor } from '../fixtures/program.js';
import type { Program } from '../fixtures/program.js';
import { repositoryRoot } from '../fixtures/repository.js';
import { scratchFolder } from '../fixtures/scratch.js';
import { clientEnvironment, startXServer } from '../fixtures/x11.js';
import type { XServer } from '../fixtures/x11.js';

jest.setTimeout(300_000);

const GUEST_PORT = '5930';
/** Of the display, the one that shows the picture; a viewer opens main, display, inputs and cursor at least. */
const FEWEST_CHANNELS = 4;

const root = repositoryRoot();
const home = scratchFolder('first-contact-');
const folder = join(home, 'kerbside');
const started: Program[] = [];
let env: NodeJS.ProcessEnv;
let x: XServer;
let ports: number[];

/** The commands of a section, block by block. */
function blocksOf(title: string): string[] {
  const readme = readFileSync(join(root, 'README.rst'), 'utf8');
  const [, section = ''] = readme.split(`\n${title}\n${'='.repeat(title.length)}\n`);
  const [text = ''] = section.split(/\n\n[^\n]+\n=+\n/);
  return Array.from(text.matchAll(/::\n\n((?: {4}[^\n]*\n)+)/g), ([, block = '']) =>
    block.replace(/^ {4}/gm, '').trimEnd(),
  );
}

async function run(block: string): Promise<string> {
  const result = await runProgram('bash', ['--norc', '-euc', block], { env, cwd: root, timeoutMs: 120_000 });
  expect([result.status, result.stderr]).toEqual([0, '']);
  return result.stdout;
}

/** What runs in a terminal of its own. */
async function runOn(name: string, block: string, more: NodeJS.ProcessEnv = {}): Promise<Program> {
  const logFile = join(home, `${name}.log`);
  const program = await startProgram('bash', ['--norc', '-c', `exec ${block}`], {
    ...{ logFile, cwd: root, env: { ...env, ...more } },
  });
  started.push(program);
  return program;
}

beforeAll(async () => {
  const { api, secure, insecure, metrics } = await freeKerbsidePorts();
  ports = [api, secure, insecure, metrics];
  env = {
    ...clientEnvironment(home),
    npm_config_update_notifier: 'false',
    // A machine without a network cannot look up its own name as viewers do.
    OS_SPICE__PUBLIC_FQDN: '127.0.0.1',
    OS_API__PORT: String(api),
    OS_SPICE__SECURE_PORT: String(secure),
    OS_SPICE__INSECURE_PORT: String(insecure),
    OS_METRICS__PORT: String(metrics),
  };
  mkdirSync(join(home, 'x'));
  x = await startXServer(join(home, 'x'));
});

afterAll(async () => {
  // The viewer first: a session would be drained.
  for (const program of started.reverse()) await program.stop();
  await waitFor('the end of kerbside', async () =>
    (await Promise.all(ports.map((port) => isFree('::', port)))).every(Boolean),
  );
  await x.stop();
  rmSync(home, { recursive: true, force: true });
});

describe('a first contact', () => {
  it('leads from the text to a desktop', async () => {
    const guestPort = String(await freePort());
    const blocks = blocksOf('Start it by hand').map((block) => block.replaceAll(GUEST_PORT, guestPort));
    expect(blocks).toHaveLength(6);
    const [build = '', configure = '', guest = '', sources = '', serve = '', open = ''] = blocks;
    // Done, or this test would not run.
    expect(build).toBe('npm ci && npm run build');

    await run(configure);
    expect(statSync(join(folder, 'proxy-ecdsa-key.pem')).mode & 0o777).toBe(0o600);

    await runOn('guest', guest);
    await waitFor('the guest', () => isListening('127.0.0.1', Number(guestPort)));

    expect(await run(sources)).not.toMatch(/Result: (Warning|Failure)/);

    const kerbside = await runOn('kerbside', serve);
    await waitFor('kerbside', () => kerbside.output().includes(' is ready\n') || kerbside.ended() !== null);
    expect(kerbside.output()).not.toMatch(/ (WARNING|ERROR) /);

    const lines = open.split('\n');
    const viewer = lines.at(-1) ?? '';
    expect(viewer).toBe('remote-viewer ~/kerbside/console.vv');
    const [list = ''] = lines;
    await waitFor('the console', async () => (await run(list)).includes('first-desktop'));
    expect(await run(lines.slice(0, -1).join('\n'))).toContain('console.vv opens first-desktop once, until ');

    await runOn('viewer', viewer, { DISPLAY: x.display });
    const sessions = list.replace('console list', 'session list --format json');
    await waitFor('the desktop', async () => {
      const found = JSON.parse(await run(sessions)) as { channels: number; name: string }[];
      return found.some(({ channels, name }) => name === 'first-desktop' && channels >= FEWEST_CHANNELS);
    });
    // Taken and removed by the viewer, as the file tells it to.
    await waitFor('the end of the file', () => !existsSync(join(folder, 'console.vv')));
  });
});
