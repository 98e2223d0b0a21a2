// SPDX-License-Identifier: Apache-2.0
// What is measured at one proxy at a time: throughput and set-up per CPU-second of its process tree, latency of a
// 64-byte ping alone and beside other traffic, memory of an idle channel. Every window is bounded.
import { delay } from '../fixtures/program.js';
import { LoadClient, type Mark, type Work } from './load.js';
import type { Proxy } from './peers.js';
import { cpuTime, memory, type CpuTime, type Memory } from './proc-usage.js';

/** Lengths of the windows, in seconds, and sizes. */
export interface Plan {
  readonly rounds: number;
  /** Set-ups before the first round, at every proxy: V8 compiles again and again what runs often, up to the 3,000th. */
  readonly warmUp: number;
  /** Seconds that they may take. */
  readonly warmUpLimit: number;
  readonly bulk: number;
  readonly paced: number;
  readonly ping: number;
  readonly pingBeside: number;
  readonly setup: number;
  readonly idleChannels: number;
  readonly idleChannelsForking: number;
}

export const FULL: Plan = {
  rounds: 7,
  warmUp: 4000,
  warmUpLimit: 30,
  bulk: 3,
  paced: 4,
  ping: 1.5,
  pingBeside: 1.5,
  setup: 2.5,
  idleChannels: 1000,
  idleChannelsForking: 40,
};

export const QUICK: Plan = {
  rounds: 1,
  warmUp: 4000,
  warmUpLimit: 2,
  bulk: 1,
  paced: 1.5,
  ping: 0.5,
  pingBeside: 0.7,
  setup: 1,
  idleChannels: 300,
  idleChannelsForking: 10,
};

/** The numbers that one visit to a proxy gives. */
export interface Reading {
  /** What is compared: per CPU-second of the tree, or microseconds. */
  readonly value: number;
  /** The same per CPU-second of the relay workers alone, where the proxy has a supervisor, or of the proxy without the one behind it. */
  readonly workers?: number;
  /** Per second of wall time, or the p99 in microseconds. */
  readonly second?: number;
  /** The part of the tree's CPU time that is user time. */
  readonly user?: number;
}

export type Scenario = 'bulk' | 'paced' | 'ping' | 'ping_paced' | 'ping_bulk' | 'setup';

/** In the order of a round. */
export const SCENARIOS: readonly Scenario[] = ['bulk', 'paced', 'ping', 'ping_paced', 'ping_bulk', 'setup'];

/** A spicevmc DATA body as usbredir fills it, and one of an 8 KB screen update, headers excluded. */
const BULK_BODY = 65_530;
const PACED_BODY = 8_186;
const PACED_RATE = 12_000_000;
const WARM_UP = 0.4;
/** Seconds: sessions as young as those that are measured. */
const WARM_UP_VISIT = 2;
const MB = 1e6;

const BULK: Work = { kind: 'flood', channels: 2, body: BULK_BODY };
const FLOOD: Work = { kind: 'flood', channels: 8, body: BULK_BODY };
const SETUP: Work = { kind: 'setup', channels: 8 };
const PACED: Work = { kind: 'flood', channels: 8, body: PACED_BODY, rate: PACED_RATE };

/** Measures one scenario at one proxy. */
export function measure(scenario: Scenario, proxy: Proxy, dir: string, plan: Plan): Promise<Reading> {
  switch (scenario) {
    case 'bulk':
      return throughput(proxy, dir, BULK, plan.bulk);
    case 'paced':
      return throughput(proxy, dir, PACED, plan.paced);
    case 'ping':
      return ping(proxy, dir, null, plan.ping);
    case 'ping_paced':
      return ping(proxy, dir, PACED, plan.pingBeside);
    case 'ping_bulk':
      return ping(proxy, dir, FLOOD, plan.pingBeside);
    case 'setup':
      return setUp(proxy, dir, plan.setup);
  }
}

/** Sends messages of several sizes through and compares every byte. @throws Error when one is missing or wrong. */
export async function verify(proxy: Proxy, dir: string): Promise<void> {
  for (const body of [BULK_BODY, PACED_BODY, 200, 17]) {
    const work: Work = { kind: 'verify', channels: 2, body, limit: 20 * MB };
    const client = await LoadClient.start(dir, await proxy.door(1), work);
    client.go();
    await client.verified();
    await client.quit();
  }
}

/** Brings a proxy to the state that it is in after a day: not measured. */
export async function warmUp(proxy: Proxy, dir: string, plan: Plan): Promise<void> {
  const end = performance.now() + plan.warmUpLimit * 1000;
  let done = 0;
  while (done < plan.warmUp && performance.now() < end) {
    const client = await LoadClient.start(dir, await proxy.door(1), SETUP);
    client.go();
    await delay(WARM_UP_VISIT * 1000);
    done += (await client.mark()).operations;
    await client.quit();
  }
}

/** KiB per idle channel. */
export interface IdleMemory {
  readonly channels: number;
  readonly relay: number;
  readonly rest: number;
  /** Of the whole tree before, KiB. */
  readonly base: number;
}

/** Memory that idle channels of a fresh proxy take, after one echo each. */
export async function idleMemory(
  proxy: Proxy,
  dir: string,
  channels: number,
  shared: boolean,
): Promise<IdleMemory> {
  const sessions = Math.ceil(channels / 250);
  const warm = await LoadClient.start(dir, await proxy.door(1), {
    kind: 'idle',
    channels: Math.min(20, channels),
  });
  await delay(1500);
  const before = memoryOf(proxy, shared);
  const client = await LoadClient.start(dir, await proxy.door(sessions), { kind: 'idle', channels });
  await delay(2500);
  const after = memoryOf(proxy, shared);
  await client.quit();
  await warm.quit();
  return {
    channels,
    relay: (after.relay - before.relay) / channels,
    rest: (after.rest - before.rest) / channels,
    base: before.relay + before.rest,
  };
}

/** With the proxy behind it; `workers` is then the one in front. */
function cpuTimeOf({ pid, behind }: Proxy): CpuTime {
  const own = cpuTime(pid);
  if (behind === undefined) return own;
  const other = cpuTime(behind);
  return { tree: own.tree + other.tree, user: own.user + other.user, workers: own.tree };
}

/** With the process that relays behind it, which is the rest. */
function memoryOf({ pid, behind }: Proxy, shared: boolean): Memory {
  const own = memory(pid, shared);
  if (behind === undefined) return own;
  const other = memory(behind, false);
  return { relay: own.relay + own.rest, rest: other.relay };
}

interface Window {
  readonly from: Mark;
  readonly to: Mark;
  readonly before: CpuTime;
  readonly after: CpuTime;
}

async function watch(proxy: Proxy, client: LoadClient, seconds: number): Promise<Window> {
  client.go();
  await delay(WARM_UP * 1000);
  const before = cpuTimeOf(proxy);
  const from = await client.mark();
  await delay(seconds * 1000);
  const after = cpuTimeOf(proxy);
  const to = await client.mark();
  await client.quit();
  return { from, to, before, after };
}

function perCpuSecond(amount: number, { from, to, before, after }: Window): Reading {
  const cpu = after.tree - before.tree;
  const workers = after.workers - before.workers;
  return {
    value: amount / Math.max(cpu, 0.01),
    ...(workers > 0 ? { workers: amount / workers } : {}),
    second: amount / (to.at - from.at),
    user: (after.user - before.user) / Math.max(cpu, 0.01),
  };
}

async function throughput(proxy: Proxy, dir: string, work: Work, seconds: number): Promise<Reading> {
  const client = await LoadClient.start(dir, await proxy.door(1), work);
  const window = await watch(proxy, client, seconds);
  return perCpuSecond((window.to.bytes - window.from.bytes) / MB, window);
}

async function setUp(proxy: Proxy, dir: string, seconds: number): Promise<Reading> {
  const client = await LoadClient.start(dir, await proxy.door(1), SETUP);
  const window = await watch(proxy, client, seconds);
  return perCpuSecond(window.to.operations - window.from.operations, window);
}

async function ping(proxy: Proxy, dir: string, beside: Work | null, seconds: number): Promise<Reading> {
  const other = beside === null ? null : await LoadClient.start(dir, await proxy.door(1), beside);
  other?.go();
  const client = await LoadClient.start(dir, await proxy.door(1), { kind: 'ping' });
  client.go();
  await delay(seconds * 1000);
  const { count, p50, p99 } = await client.quit();
  await other?.quit();
  if (count === 0) throw new Error('not one ping came back');
  return { value: p50, second: p99 };
}
