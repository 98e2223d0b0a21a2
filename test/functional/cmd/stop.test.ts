// SPDX-License-Identifier: Apache-2.0
// The life of the services after their start: warnings, reload, and an end with status 0.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startProgram, waitFor } from '../../fixtures/program.js';
import { apiPort, Site } from './site.js';
import type { ProgramName } from './site.js';

const site = new Site();
beforeAll(async () => {
  expect((await site.run('manage', ['db', 'sync'])).status).toBe(0);
});
afterAll(() => site.close());

describe('a running service', () => {
  it('serves until SIGTERM and ends with status 0', async () => {
    const program = await site.start('kerbside');
    const port = apiPort(program);
    expect((await fetch(`http://127.0.0.1:${port}/healthcheck`)).status).toBe(200);
    expect(await program.stop(20_000)).toBe(0);
    expect(program.output()).toMatch(/INFO kerbside \[-\] kerbside has stopped\n$/);
  });

  it('ends when the shell that npx runs it in is ended', async () => {
    const log = join(site.folder, 'npx.log');
    const line = `"${process.execPath}" dist/cmd/kerbside.js --config-file "${site.conf}"; exit $?`;
    const shell = await startProgram('/bin/sh', ['-c', line], {
      logFile: log,
      env: { PATH: process.env['PATH'], npm_lifecycle_event: 'npx', npm_lifecycle_script: "'kerbside'" },
    });
    await waitFor('ready', () => shell.output().includes(' is ready\n'));
    await shell.stop();
    await waitFor('the end', () => shell.output().includes('kerbside has stopped\n'));
  });

  it('ends although a client holds a connection that says nothing', async () => {
    const program = await site.start('kerbside');
    const idle = connect(apiPort(program), '127.0.0.1');
    idle.on('error', () => undefined);
    await new Promise((resolve) => idle.once('connect', resolve));
    expect(await program.stop(20_000)).toBe(0);
    idle.destroy();
  });

  it.each(['api', 'proxy', 'conductor'] satisfies ProgramName[])('%s alone starts and ends', async (name) => {
    expect((await site.run('manage', ['db', 'sync'])).status).toBe(0);
    const program = await site.start(name);
    expect(await program.stop(20_000)).toBe(0);
  });

  it('warns once of each older name and each unknown option, and never logs the seed', async () => {
    const extra = join(site.folder, 'typo.conf');
    writeFileSync(extra, '[api]\nadress = ::1\n');
    const seed = 'another seed that nobody may see in a log';
    const env = {
      KERBSIDE_AUTH_SECRET_SEED: seed,
      KERBSIDE_NODE_NAME: 'n1',
      KERBSIDE_API_SOCKET_PATH: 'http://k',
      OS_DEFAULT__DEBUG: 'true',
    };
    const program = await site.start('conductor', { env, args: ['--config-file', extra] });
    await program.stop(20_000);
    const output = program.output();
    expect(output.match(/WARNING .*KERBSIDE_NODE_NAME is a deprecated name/g)).toHaveLength(1);
    expect(output.match(/WARNING .*KERBSIDE_API_SOCKET_PATH is not used by this release/g)).toHaveLength(1);
    expect(output.match(/WARNING .*\[api\] adress is not an option; did you mean address\?/g)).toHaveLength(
      1,
    );
    expect(output).toContain('DEBUG kerbside-conductor [-] [api] auth_secret_seed = ***');
    expect(output).not.toContain(seed);
  });

  it('opens its log file anew and takes up the log level on SIGHUP', async () => {
    const log = join(site.folder, 'service.log');
    const extra = join(site.folder, 'more.conf');
    writeFileSync(extra, `[DEFAULT]\nlog_file = ${log}\n`);
    const program = await site.start('conductor', { args: ['--config-file', extra], log });
    renameSync(log, `${log}.1`);
    writeFileSync(
      extra,
      `[DEFAULT]\nlog_file = ${log}\ndebug = true\n[console]\ntoken_ttl = 1\n[guest_policy]\nusb = none\n`,
    );
    process.kill(program.pid, 'SIGHUP');
    await waitFor('new log file', () =>
      readFileSync(log, 'utf8').includes('[console] token_ttl = 1 takes effect after a restart only'),
    );
    expect(await program.stop(20_000)).toBe(0);
    expect(readFileSync(log, 'utf8')).toContain('has stopped');
    // What is taken up is not complained of.
    expect(readFileSync(log, 'utf8')).not.toMatch(/guest_policy.*after a restart/);
    expect(readFileSync(`${log}.1`, 'utf8')).not.toContain('has stopped');
  });
});

describe('a port', () => {
  it('is free again at once, so that a restart can follow a stop', async () => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const port = String((probe.address() as AddressInfo).port);
    await new Promise((resolve) => probe.close(resolve));
    for (let round = 0; round < 2; round += 1) {
      const program = await site.start('api', { env: { OS_API__PORT: port } });
      expect(await program.stop(20_000)).toBe(0);
    }
  });
});
