// SPDX-License-Identifier: Apache-2.0
// What `demo --check` proves, one function for each claim. A check throws with the reason when its claim is false.
import { join } from 'node:path';
import { decodeBlock, scancodesOf } from '../boot-target/decode.js';
import { differingPixels } from '../boot-target/image.js';
import { consoleFile, probeVv } from '../fixtures/kerbside-process.js';
import { CONSOLE, HYPERVISOR, HYPERVISOR_ADDRESS, type Lab, SOURCE } from '../fixtures/lab.js';
import { channelType, type BackendIdentity, searchBytes, searchStream } from '../fixtures/leak-search.js';
import type { Libvirtd } from '../fixtures/libvirtd.js';
import type { ProbeLink, ProbeResult } from '../fixtures/link-probe.js';
import { delay, waitFor } from '../fixtures/program.js';
import type { Recorder } from '../fixtures/recorder.js';
import { parseVvFile, type VvFile, withPorts } from '../fixtures/vv-file.js';
import { savePng, spicyScreenshot, startViewer, type XServer } from '../fixtures/x11.js';

/** What the checks share. */
export interface CheckContext {
  lab: Lab;
  /** null: the guest is a bare QEMU. */
  libvirtd: Libvirtd | null;
  recorder: Recorder;
  x: XServer;
  /** A .vv file made at the very start, whose token was never used. */
  early: VvFile;
}

/** A claim and its proof. The proof gives a few words for the report. */
export interface Check {
  claim: string;
  prove: (context: CheckContext) => Promise<string>;
}

/** All checks, in the order that they run. */
export const CHECKS: readonly Check[] = [
  { claim: 'spicy-screenshot through Kerbside equals the direct one, pixel for pixel', prove: samePixels },
  { claim: 'remote-viewer shows the guest, and typed keys arrive in it', prove: typedKeys },
  { claim: 'a wrong token is refused', prove: wrongToken },
  { claim: 'a terminated session ends within a second and its token stays refused', prove: terminated },
  { claim: 'an expired token is refused', prove: expiredToken },
  { claim: 'nothing sent to the client names the backend', prove: nothingLeaks },
];

/** What is proved with a guest of libvirt as well. */
export const LIBVIRT_CHECKS: readonly Check[] = [
  { claim: 'a guest that libvirt starts is listed, and one that it stops is not', prove: seenAtOnce },
];

const PERMISSION_DENIED = 7;

async function samePixels({ lab, recorder }: CheckContext): Promise<string> {
  const { guest, kerbside, authority } = lab;
  const direct = await spicyScreenshot(
    { host: guest.address, port: guest.port, password: guest.password },
    lab.dir,
  );
  if (direct.image === null) throw new Error(`no direct screenshot: ${direct.log}`);
  if (decodeBlock(direct.image) === null)
    throw new Error('the direct screenshot does not show the boot target');
  for (const [name, ports] of [
    ['kerbside', { port: kerbside.ports.insecure, tlsPort: kerbside.ports.secure }],
    ['the recorder', { port: recorder.port, tlsPort: recorder.tlsPort }],
  ] as const) {
    const vv = await kerbside.vv(SOURCE, CONSOLE);
    const through = await spicyScreenshot(
      { host: vv.host, ...ports, password: vv.password, caFile: authority.caFile },
      lab.dir,
    );
    if (through.image === null) throw new Error(`no screenshot through ${name}: ${through.log}`);
    const different = differingPixels(direct.image, through.image);
    if (different !== 0) throw new Error(`${different} pixels differ through ${name}`);
  }
  return `${direct.image.width}x${direct.image.height}`;
}

async function typedKeys({ lab, recorder, x }: CheckContext): Promise<string> {
  const text = 'kerbside 2026';
  const vv = await lab.kerbside.vv(SOURCE, CONSOLE);
  const viewer = await startViewer(
    x,
    withPorts(vv, recorder.port, recorder.tlsPort),
    join(lab.dir, 'viewer'),
  );
  try {
    await viewer.sees();
    await viewer.type(text);
    const expected = scancodesOf(text);
    await viewer.sees(({ state }) => state.scancodes.join() === expected.join(), 10_000);
    const serial = lab.guest.serial().filter((line) => line.startsWith('KEY '));
    const wanted = expected.map((code) => `KEY ${code.toString(16).padStart(2, '0')}`);
    if (serial.slice(-wanted.length).join() !== wanted.join())
      throw new Error(`the serial port reports ${serial.join(', ')}`);
    const opened = (await lab.kerbside.sessions())[lab.kerbside.sessionId(vv)]?.channels.length ?? 0;
    return `"${text}" seen on the screen and on the serial port, ${opened} channels open`;
  } catch (error) {
    savePng(x.screenshot(), join(lab.dir, 'remote-viewer.png'));
    throw error;
  } finally {
    await viewer.stop();
  }
}

async function wrongToken({ lab }: CheckContext): Promise<string> {
  const { kerbside, authority } = lab;
  const vv = await kerbside.vv(SOURCE, CONSOLE);
  const wrong = 'x'.repeat(vv.password.length);
  expectDenied(await probeVv(vv, { ticket: wrong }));
  const target = {
    host: vv.host,
    port: vv.port,
    tlsPort: vv.tlsPort,
    password: wrong,
    caFile: authority.caFile,
  };
  if ((await spicyScreenshot(target, lab.dir)).image !== null)
    throw new Error('spicy-screenshot got a picture');
  return 'result 7, and no picture for spicy-screenshot';
}

async function expiredToken({ early }: CheckContext): Promise<string> {
  const validUntil = Number(early.values.get('ticket-valid-until'));
  if (!(validUntil > 0)) throw new Error('the .vv file has no ticket-valid-until');
  await delay(Math.max(0, validUntil * 1000 + 1500 - Date.now()));
  expectDenied(await probeVv(early));
  return 'result 7 after ticket-valid-until';
}

async function terminated({ lab }: CheckContext): Promise<string> {
  const { kerbside } = lab;
  const vv = await kerbside.vv(SOURCE, CONSOLE);
  const link = expectLinked(await probeVv(vv));
  try {
    await link.sessionId();
    const session = kerbside.sessionId(vv);
    const asked = Date.now();
    const answer = await kerbside.terminate(session);
    if (answer.status !== 200) throw new Error(`terminate answered ${answer.status} ${answer.body}`);
    await waitFor('the end of the session', async () => !(session in (await kerbside.sessions())));
    const over = Date.now() - asked;
    if (over > 1000) throw new Error(`the session was open for ${over} ms more`);
    expectDenied(await probeVv(vv));
    // Its client is kept for a moment, for a display channel that a screen could be shown on: this one has none.
    if ((await Promise.race([link.closed, delay(10_000)])) === undefined)
      throw new Error('the client was still connected after 10 s');
    return `over after ${over} ms, then result 7`;
  } finally {
    link.close();
  }
}

async function nothingLeaks({ lab, recorder }: CheckContext): Promise<string> {
  const { guest, kerbside } = lab;
  const backend: BackendIdentity = {
    names: [HYPERVISOR, HYPERVISOR.slice(0, HYPERVISOR.indexOf('.')), HYPERVISOR_ADDRESS],
    ports: [guest.port, guest.tlsPort].filter((port) => port !== null),
  };
  const streams = recorder.streams();
  const bytes = streams.reduce((sum, { toClient }) => sum + toClient.length, 0);
  const types = new Set(streams.map((stream) => channelType(stream)));
  if (![1, 2, 3, 4].every((type) => types.has(type)) || bytes < 50_000)
    throw new Error(`too little was recorded: ${bytes} bytes`);
  const found = streams.flatMap((stream) => searchStream(stream, backend));
  for (const headers of [{}, { authorization: 'Bearer nonsense' }]) {
    const answer = await kerbside.api('GET', consoleFile(SOURCE, CONSOLE), headers);
    found.push(...searchBytes('the .vv answer', Buffer.from(`${answer.headers}\n${answer.body}`), backend));
    if (answer.status !== 200) continue;
    const vv = parseVvFile(answer.body);
    const ports = [vv.port, vv.tlsPort].filter((port) => port !== null && backend.ports.includes(port));
    if (ports.length > 0 || vv.host === HYPERVISOR_ADDRESS)
      found.push(`the .vv file names port ${ports.join()}`);
  }
  if (found.length > 0) throw new Error([...new Set(found)].join('; '));
  return `${bytes} bytes on ${streams.length} connections searched`;
}

async function seenAtOnce({ lab, libvirtd }: CheckContext): Promise<string> {
  if (libvirtd === null) throw new Error('the guest is not one of libvirt');
  const uuid = await libvirtd.guest('second', "<graphics type='spice' autoport='yes' listen='127.0.0.1'/>", {
    paused: true,
  });
  const after = async (what: string, isSo: (listed: boolean) => boolean): Promise<number> => {
    const said = performance.now();
    await waitFor(what, async () => isSo((await lab.kerbside.api('GET', '/console')).body.includes(uuid)));
    return Math.round(performance.now() - said);
  };
  const started = await after('second console', (listed) => listed);
  await libvirtd.virsh('destroy', uuid);
  const stopped = await after('end of the second console', (listed) => !listed);
  return `${started} ms after libvirt said so, and ${stopped} ms`;
}

function expectLinked(result: ProbeResult): ProbeLink {
  if (result.outcome !== 'linked')
    throw new Error(`a good token was not accepted: ${JSON.stringify(result)}`);
  return result.link;
}

function expectDenied(result: ProbeResult): void {
  if (result.outcome === 'linked') {
    result.link.close();
    throw new Error('it was accepted');
  }
  if (result.outcome !== 'refused' || result.result !== PERMISSION_DENIED) {
    throw new Error(`expected link result ${PERMISSION_DENIED}, got ${JSON.stringify(result)}`);
  }
}

/** Waits until Kerbside knows the lab's console. @throws Error at the deadline. */
export async function consoleListed(lab: Lab): Promise<VvFile> {
  return waitFor('console in Kerbside', () => lab.kerbside.vv(SOURCE, CONSOLE), { everyMs: 200 });
}
