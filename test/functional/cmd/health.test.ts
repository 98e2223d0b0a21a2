// SPDX-License-Identifier: Apache-2.0
// kerbside-status health against the built programs.
import { createServer } from 'node:net';
import { afterAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../fixtures/program.js';
import { Site } from './site.js';

const site = new Site();
afterAll(() => site.close());

describe('kerbside-status health', () => {
  it('is 0 while the service answers, and 1 with one line about the place when it does not', async () => {
    const env = { OS_API__PORT: String(await freePort()), OS_METRICS__PORT: String(await freePort()) };
    const program = await site.start('kerbside', { env });
    expect(await site.run('status', ['health', 'kerbside'], env)).toMatchObject({
      status: 0,
      stdout: 'kerbside is well\n',
    });
    expect(await site.run('status', ['health', 'kerbside-proxy'], env)).toMatchObject({ status: 0 });
    await program.stop(20_000);
    const gone = await site.run('status', ['health', 'kerbside'], env);
    expect(gone).toMatchObject({
      status: 1,
      stderr: `kerbside-status: kerbside does not answer at http://127.0.0.1:${env.OS_API__PORT}/healthcheck; see that it runs and look into its log\n`,
    });
  });

  it('says what a draining service says', async () => {
    const env = { OS_API__PORT: String(await freePort('::')), OS_API__ADDRESS: '::' };
    const page = `http://127.0.0.1:${env.OS_API__PORT}/healthcheck`;
    const other = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(
        'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 8\r\nconnection: close\r\n\r\ndraining',
      );
    });
    await new Promise<void>((resolve) => other.listen(Number(env.OS_API__PORT), '127.0.0.1', resolve));
    const result = await site.run('status', ['health', 'kerbside-api'], env);
    other.close();
    expect(result).toMatchObject({
      status: 1,
      stderr: `kerbside-status: kerbside-api is not well: ${page} answers 503 draining\n`,
    });
  });

  it('knows its services', async () => {
    const result = await site.run('status', ['health', 'nova-api']);
    expect(result.status).not.toBe(0);
    expect(result.stderr).toContain('kerbside-conductor');
  });
});
