// SPDX-License-Identifier: Apache-2.0
// TLS between Kerbside and a real QEMU: who is trusted, who is not, and that plain TCP is no way around it.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { decodeBlock } from '../boot-target/decode.js';
import { makeAuthority } from '../fixtures/authority.js';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { probeVv } from '../fixtures/kerbside-process.js';
import { guestConsole, HYPERVISOR_ADDRESS } from '../fixtures/lab.js';
import type { ConsoleEntry, SourceEntry } from '../fixtures/sources-file.js';
import { waitFor, waitForOutput } from '../fixtures/program.js';
import { type Guest, startGuest } from '../fixtures/qemu.js';

jest.setTimeout(180_000);

const SUBJECT = 'C=US,O=Lab,CN=hv-17';

// One console for each way to reach the guest.
const WAYS = {
  byAddress: { source: 'right-ca', changes: {} },
  rightSubject: { source: 'right-ca', changes: { host_subject: SUBJECT } },
  tlsOnly: { source: 'right-ca', changes: { insecure_port: undefined } },
  wrongSubject: { source: 'right-ca', changes: { host_subject: 'C=US,O=Lab,CN=hv-18' } },
  reorderedSubject: { source: 'right-ca', changes: { host_subject: 'CN=hv-17,O=Lab,C=US' } },
  wrongTicket: { source: 'right-ca', changes: { ticket: 'not-this-one' } },
  wrongCa: { source: 'wrong-ca', changes: {} },
  wrongCaRightSubject: { source: 'wrong-ca', changes: { host_subject: SUBJECT } },
} as const;

type Way = keyof typeof WAYS;

const NAMES = Object.keys(WAYS) as Way[];

let desk: Desk;
let strict: Guest;
let unnamed: Guest;

function uuidOf(index: number): string {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
}

function entry(guest: Guest, index: number, changes: Record<string, unknown>): ConsoleEntry {
  const merged: Record<string, unknown> = {
    ...guestConsole(guest, { uuid: uuidOf(index), name: `way-${index}` }),
    ...changes,
  };
  return Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== undefined),
  ) as unknown as ConsoleEntry;
}

beforeAll(async () => {
  desk = await startDesk(async (dir) => {
    const right = await makeAuthority(join(dir, 'hypervisor-pki'), 'O=Lab,CN=Hypervisor CA');
    const wrong = await makeAuthority(join(dir, 'other-pki'), 'O=Lab,CN=Another CA');
    const x509Dir = await right.x509Dir('named', {
      subject: SUBJECT,
      names: [`IP:${HYPERVISOR_ADDRESS}`],
      key: 'rsa',
    });
    const nameless = await right.x509Dir('nameless', {
      subject: SUBJECT,
      names: ['DNS:elsewhere.example.org'],
    });
    for (const folder of ['strict', 'unnamed']) mkdirSync(join(dir, folder));
    strict = await startGuest({ dir: join(dir, 'strict'), tls: { x509Dir, onlyTls: ['main', 'inputs'] } });
    unnamed = await startGuest({ dir: join(dir, 'unnamed'), tls: { x509Dir: nameless } });
    const ca = { right: readFileSync(right.caFile, 'utf8'), wrong: readFileSync(wrong.caFile, 'utf8') };
    const sources = (guest: Guest): SourceEntry[] => {
      const of = (source: string): ConsoleEntry[] =>
        NAMES.flatMap((way, index) =>
          WAYS[way].source === source ? [entry(guest, index, WAYS[way].changes)] : [],
        );
      return [
        {
          source: 'right-ca',
          type: 'static',
          ca_cert: ca.right,
          consoles: [
            ...of('right-ca'),
            entry(strict, 100, {}),
            entry(strict, 101, { secure_port: undefined }),
            entry(unnamed, 102, {}),
            entry(unnamed, 103, { host_subject: SUBJECT }),
            entry(unnamed, 104, { hypervisor: 'elsewhere.example.org' }),
            entry(unnamed, 105, { secure_port: undefined }),
          ],
        },
        { source: 'wrong-ca', type: 'static', ca_cert: ca.wrong, consoles: of('wrong-ca') },
      ];
    };
    return { guest: { tls: { x509Dir } }, sources };
  });
});

afterAll(async () => {
  await desk.stop();
  await Promise.all([strict.stop(), unnamed.stop()]);
});

async function expectDesktop(index: number, source = 'right-ca'): Promise<void> {
  const { image, log } = await desk.screenshot(await desk.vv(uuidOf(index), source));
  if (image === null) throw new Error(`no screenshot: ${log}`);
  expect(decodeBlock(image)).not.toBeNull();
}

/** The client is closed without a result; gives the audit's words for it. */
async function expectFailure(index: number, source = 'right-ca'): Promise<string> {
  const started = Date.now();
  expect(await probeVv(await desk.vv(uuidOf(index), source))).toEqual({ outcome: 'closed' });
  expect(Date.now() - started).toBeLessThan(11_000);
  const failures = await waitFor('audit of the failure', async () => {
    const messages = await desk.lab.kerbside.audit(source, uuidOf(index));
    expect(messages).not.toContain('Hypervisor connection successful');
    const found = messages.filter((message) => message.startsWith('Hypervisor connection failed: '));
    return found.length > 0 ? found : null;
  });
  expect(failures).toHaveLength(1);
  return failures[0]!;
}

async function failuresCounted(reason: string): Promise<number> {
  const metrics = await desk.lab.kerbside.metrics();
  return Number(
    new RegExp(`^kerbside_proxy_backend_failures_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(
      metrics,
    )?.[1] ?? 0,
  );
}

describe('a hypervisor with TLS', () => {
  it.each(['byAddress', 'rightSubject', 'tlsOnly'] as const)('shows its desktop: %s', async (way) => {
    await expectDesktop(NAMES.indexOf(way));
  });

  it('whose certificate names another host is reached with a pin of its subject', async () => {
    await expectDesktop(103);
  });

  it('whose certificate names the host name of sources.yaml is reached by its address', async () => {
    await expectDesktop(104);
  });

  it('that allows some channels by TLS only is reached', async () => {
    await expectDesktop(100);
  });

  it('is reached by plain TCP where no TLS port is known', async () => {
    await expectDesktop(105);
  });
});

// Every one of these consoles has a plain port that would have worked: a success would mean that it was tried.
describe('a hypervisor that cannot prove who it is', () => {
  it.each(['wrongSubject', 'reorderedSubject'] as const)('is not used: %s', async (way) => {
    const before = await failuresCounted('wrong_subject');
    expect(await expectFailure(NAMES.indexOf(way))).toContain('subject');
    expect(await failuresCounted('wrong_subject')).toBe(before + 1);
    await waitForOutput(desk.lab.kerbside.program, 'TLS: rejecting certificate: pinned host_subject');
  });

  it.each(['wrongCa', 'wrongCaRightSubject'] as const)('is not used: %s', async (way) => {
    const before = await failuresCounted('wrong_ca');
    await expectFailure(NAMES.indexOf(way), 'wrong-ca');
    expect(await failuresCounted('wrong_ca')).toBe(before + 1);
  });

  it('is not used: its certificate names another host and there is no pin', async () => {
    await expectFailure(102);
    expect(await failuresCounted('wrong_host_name')).toBe(1);
  });
});

describe('a hypervisor that refuses', () => {
  it('the ticket of sources.yaml gives no result 7 to the client', async () => {
    await expectFailure(NAMES.indexOf('wrongTicket'));
    expect(await failuresCounted('wrong_ticket')).toBe(1);
  });

  it('plain TCP for a channel fails where no TLS port is known', async () => {
    await expectFailure(101);
  });
});
