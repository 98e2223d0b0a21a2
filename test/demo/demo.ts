// SPDX-License-Identifier: Apache-2.0
// The demo: starts the lab, writes console.vv, says how to open it, and ends all of it on Ctrl-C. With --check
// it proves the whole way without a screen instead, and exits 0 only when every claim holds.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { freeKerbsidePorts, type KerbsidePorts } from '../fixtures/kerbside-process.js';
import { CONSOLE, HYPERVISOR_ADDRESS, type Lab, type LabOptions, SOURCE, startLab } from '../fixtures/lab.js';
import { type LibvirtGuest, startLibvirtGuest } from '../fixtures/libvirt-guest.js';
import type { Libvirtd } from '../fixtures/libvirtd.js';
import { isFree } from '../fixtures/program.js';
import { type Recorder, startRecorder } from '../fixtures/recorder.js';
import { scratchOfProcess } from '../fixtures/scratch.js';
import { startXServer, type XServer } from '../fixtures/x11.js';
import { type Check, type CheckContext, CHECKS, consoleListed, LIBVIRT_CHECKS } from './check.js';

const USAGE = `usage: demo [--check] [--libvirt] [--keep]
  (nothing)  a guest behind Kerbside on this machine, and console.vv in this folder to open it with
  --check    prove it without a screen: real clients, real guest; exit status 0 only when all holds
  --libvirt  the guest is one of a libvirtd, which Kerbside lists and asks, in place of a bare QEMU in a static list
  --keep     leave the private folder with logs and keys behind`;

// A token of the interactive demo can be opened for an hour. The check waits until one has expired.
const DEMO_TOKEN_TTL = '3600';
const CHECK_TOKEN_TTL = '25';

const DEFAULT_PORTS: KerbsidePorts = { api: 13002, secure: 5900, insecure: 5901, metrics: 13003 };

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function choosePorts(): Promise<KerbsidePorts> {
  const free = await freeKerbsidePorts();
  const choose = async (name: keyof KerbsidePorts): Promise<number> =>
    (await isFree('127.0.0.1', DEFAULT_PORTS[name])) ? DEFAULT_PORTS[name] : free[name];
  return {
    api: await choose('api'),
    secure: await choose('secure'),
    insecure: await choose('insecure'),
    metrics: await choose('metrics'),
  };
}

async function interrupted(): Promise<void> {
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
}

/** What the guest is: of libvirt, or a bare QEMU. */
interface Kind {
  readonly options: Partial<LabOptions>;
  /** Of the lab, once it is started. */
  readonly libvirtd: () => Libvirtd | null;
}

function kindOf(libvirt: boolean): Kind {
  if (!libvirt) return { options: { guest: { allChannels: true } }, libvirtd: () => null };
  let guest: LibvirtGuest;
  const common = { uuid: CONSOLE, address: HYPERVISOR_ADDRESS, password: 's3cret', allChannels: true };
  return {
    options: {
      startGuest: async (dir) => (guest = await startLibvirtGuest({ ...common, dir })),
      sources: () => [{ source: SOURCE, type: 'libvirt', uri: guest.libvirtd.uri }],
    },
    libvirtd: () => guest.libvirtd,
  };
}

async function demo(dir: string, { options }: Kind): Promise<number> {
  const interrupt = interrupted();
  const lab = await startLab({
    dir,
    ...options,
    ports: await choosePorts(),
    env: { OS_CONSOLE__TOKEN_TTL: DEMO_TOKEN_TTL, OS_CONSOLE__MESSAGE_SCREEN: 'on' },
    progress: (step) => say(`demo: ${step}`),
  });
  const file = resolve('console.vv');
  try {
    const vv = await consoleListed(lab);
    writeFileSync(file, vv.text, { mode: 0o600 });
    writeFileSync(apiTokenFile(lab), lab.kerbside.token, { mode: 0o600 });
    say(banner(lab, file));
    const ended = new Promise<void>((done) => lab.kerbside.program.child.once('exit', () => done()));
    await Promise.race([interrupt, ended]);
    if (lab.kerbside.program.ended() === null) return 0;
    say(
      `demo: kerbside ended by itself: ${lab.kerbside.program.output().trim().split('\n').slice(-3).join('\n')}`,
    );
    return 1;
  } finally {
    say('\ndemo: ending');
    rmSync(file, { force: true });
    await lab.stop();
  }
}

function apiTokenFile(lab: Lab): string {
  return join(lab.dir, 'api-token');
}

function banner(lab: Lab, file: string): string {
  const { guest, kerbside } = lab;
  const vv = `${kerbside.apiUrl}/console/proxy/${SOURCE}/${CONSOLE}/console.vv`;
  return `
A guest and Kerbside in front of it are running, on 127.0.0.1 only:
  guest       ${guest.about}, SPICE server at ${guest.address}:${guest.port ?? 0} (what the client never learns), serial port: ${guest.serialFile}
  kerbside    API ${kerbside.apiUrl}, SPICE TLS port ${kerbside.ports.secure}, plain port ${kerbside.ports.insecure}, metrics port ${kerbside.ports.metrics}
  log         ${kerbside.program.logFile}

Open the desktop:     remote-viewer ${basename(file)}
  (type in it; F1 starts an animation. The viewer deletes the file when it opens it; it is good for one session.)
Another console.vv:   curl -sS -o console.vv -H "Authorization: Bearer $(cat ${apiTokenFile(lab)})" ${vv}

Ctrl-C ends and removes all of it.`;
}

async function check(dir: string, { options, libvirtd }: Kind): Promise<number> {
  const started = Date.now();
  let lab: Lab | undefined;
  let recorder: Recorder | undefined;
  let x: XServer | undefined;
  try {
    const env = { OS_CONSOLE__TOKEN_TTL: CHECK_TOKEN_TTL, OS_CONSOLE__MESSAGE_SCREEN: 'on' };
    lab = await startLab({
      dir,
      ...options,
      env,
      progress: (step) => say(`demo: ${step}`),
    });
    const early = await consoleListed(lab);
    const { ports } = lab.kerbside;
    const certificate = {
      certFile: join(dir, 'pki/proxy-ecdsa.pem'),
      keyFile: join(dir, 'pki/proxy-ecdsa-key.pem'),
    };
    const { caFile } = lab.authority;
    recorder = await startRecorder({
      host: '127.0.0.1',
      port: ports.insecure,
      tlsPort: ports.secure,
      caFile,
      certificate,
    });
    x = await startXServer(join(dir, 'x11'));
    const context = { lab, libvirtd: libvirtd(), recorder, x, early };
    const checks = context.libvirtd === null ? CHECKS : [...CHECKS, ...LIBVIRT_CHECKS];
    const failed = await runChecks(checks, context);
    say(
      `demo: ${checks.length - failed} of ${checks.length} checks passed in ${Math.round((Date.now() - started) / 1000)} s`,
    );
    return failed === 0 ? 0 : 1;
  } finally {
    await recorder?.close();
    await x?.stop();
    await lab?.stop();
  }
}

async function runChecks(checks: readonly Check[], context: CheckContext): Promise<number> {
  let failed = 0;
  for (const { claim, prove } of checks) {
    try {
      say(`ok      ${claim} (${await prove(context)})`);
    } catch (error) {
      failed++;
      say(`FAILED  ${claim}: ${reason(error)}`);
    }
  }
  return failed;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${reason(error.cause)})`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      ...{ check: { type: 'boolean' }, libvirt: { type: 'boolean' }, keep: { type: 'boolean' } },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    say(USAGE);
    return 0;
  }
  const dir = mkdtempSync(join(tmpdir(), 'kerbside-demo-'));
  let status = 1;
  try {
    status = await (values.check === true ? check : demo)(dir, kindOf(values.libvirt === true));
  } catch (error) {
    say(`demo: ${reason(error)}`);
  }
  rmSync(scratchOfProcess(), { recursive: true, force: true });
  if (status === 0 && values.keep !== true) rmSync(dir, { recursive: true, force: true });
  else say(`demo: logs, screenshots and keys are in ${dir}`);
  return status;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`demo: ${reason(error)}\n${USAGE}`);
  process.exitCode = 2;
}
