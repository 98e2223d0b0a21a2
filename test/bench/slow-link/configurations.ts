// SPDX-License-Identifier: Apache-2.0
// What is compared: the guest's own SPICE server (direct), Kerbside as a plain relay, and Kerbside with what its
// `[pacing]` offers. Each is a door that the client goes through; all are there for the whole run.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Authority, Certificate } from '../../fixtures/authority.js';
import { freeKerbsidePorts, type Kerbside, startKerbside } from '../../fixtures/kerbside-process.js';
import { waitFor } from '../../fixtures/program.js';
import { SERVER_ADDRESS } from './network.js';

/** A way to a guest. */
export interface Configuration {
  readonly name: string;
  /** `[pacing] mode`; null: no proxy at all. */
  readonly mode: 'off' | 'on' | 'auto' | null;
  /** More options of Kerbside, `group.name` to value. */
  readonly options: Readonly<Record<string, string>>;
}

/** Configurations that need no more words, the reference of all ratios among them. */
export const REFERENCE = 'relay';
export const CONFIGURATIONS: readonly Configuration[] = [
  { name: 'direct', mode: null, options: {} },
  { name: REFERENCE, mode: 'off', options: {} },
  { name: 'on', mode: 'on', options: {} },
  { name: 'auto', mode: 'auto', options: {} },
];

/** Where guests are, and with what they are opened. */
export interface GuestDoor {
  /** Of the console in sources.yaml. */
  readonly uuid: string;
  readonly name: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly ticket: string;
}

/** Where one client goes. */
export interface Door {
  readonly port: number;
  readonly caFile: string;
  readonly subject: string;
  readonly ticket: string;
}

/** A configuration that is up. */
export interface RunningConfiguration {
  readonly configuration: Configuration;
  /** Root of the proxy's processes; null: there is none. */
  readonly pid: number | null;
  door(guest: GuestDoor): Promise<Door>;
  /** What the proxy's metrics say of pacing now, by name and labels. */
  metrics(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

/** What all configurations share. */
export interface Site {
  readonly dir: string;
  readonly authority: Authority;
  readonly certificate: Certificate;
  readonly guests: readonly GuestDoor[];
  /** Built trees: of the relay, and of the others. */
  readonly relayTree: string;
  readonly tree: string;
}

/** Subject of every certificate of the bench. */
export const SUBJECT = 'O=Kerbside bench,CN=Slow link';
const SOURCE = 'bench';

/** Whether a built tree knows `[pacing]`. */
export function knowsPacing(tree: string): boolean {
  return existsSync(join(tree, 'dist/conf/pacing.js'));
}

/** Reads `NAME` or `NAME=MODE[,GROUP.OPTION=VALUE]...`. @throws Error that says how it is written */
export function readConfiguration(text: string): Configuration {
  const known = CONFIGURATIONS.find(({ name }) => name === text);
  if (known !== undefined) return known;
  const match = /^([a-z0-9-]+)=(on|off|auto)((?:,[a-z_]+\.[a-z_]+=[^,]+)*)$/.exec(text);
  const [, name, mode, more] = match ?? [];
  if (name === undefined || mode === undefined)
    throw new Error(
      `"${text}" is no configuration: ${CONFIGURATIONS.map((one) => one.name).join(', ')}, or NAME=on|off|auto[,GROUP.OPTION=VALUE]...`,
    );
  const options = (more ?? '').split(',').filter(Boolean).map(splitOnce);
  return { name, mode: mode as 'on' | 'off' | 'auto', options: Object.fromEntries(options) };
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Brings a configuration up. @throws Error with Kerbside's output when it does not start */
export async function startConfiguration(
  configuration: Configuration,
  site: Site,
): Promise<RunningConfiguration> {
  const { mode } = configuration;
  if (mode === null) return direct(configuration, site);
  const tree = configuration.name === REFERENCE ? site.relayTree : site.tree;
  if (mode !== 'off' && !knowsPacing(tree))
    throw new Error(
      `${tree}/dist does not know [pacing], so there is no "${configuration.name}": build a tree that does`,
    );
  const kerbside = await start(configuration, site, tree);
  return {
    configuration,
    pid: kerbside.program.pid,
    door: async ({ uuid }) => {
      const vv = await waitFor(`console ${uuid} in Kerbside`, () => kerbside.vv(SOURCE, uuid));
      return {
        port: kerbside.ports.secure,
        caFile: site.authority.caFile,
        subject: SUBJECT,
        ticket: vv.password,
      };
    },
    metrics: async () => pacingMetrics(await kerbside.metrics()),
    stop: async () => {
      await kerbside.stop(4000);
    },
  };
}

function direct(configuration: Configuration, site: Site): RunningConfiguration {
  return {
    configuration,
    pid: null,
    door: ({ tlsPort, ticket }) =>
      Promise.resolve({ port: tlsPort, caFile: site.authority.caFile, subject: SUBJECT, ticket }),
    metrics: () => Promise.resolve({}),
    stop: () => Promise.resolve(),
  };
}

async function start(configuration: Configuration, site: Site, tree: string): Promise<Kerbside> {
  const dir = join(site.dir, configuration.name);
  mkdirSync(dir, { recursive: true });
  const sourcesFile = join(dir, 'sources.yaml');
  writeFileSync(sourcesFile, stringify([{ source: SOURCE, type: 'static', consoles: consoles(site) }]), {
    mode: 0o600,
  });
  const confFile = join(dir, 'kerbside.conf');
  writeFileSync(confFile, configurationFile(configuration));
  return startKerbside({
    dir,
    sourcesFile,
    confFile,
    caFile: site.authority.caFile,
    certificates: [site.certificate],
    hostSubject: SUBJECT,
    ports: await freeKerbsidePorts(),
    node: { program: process.execPath, root: tree },
    env: { KERBSIDE_VDI_ADDRESS: SERVER_ADDRESS, KERBSIDE_PUBLIC_FQDN: SERVER_ADDRESS },
  });
}

function consoles(site: Site): object[] {
  return site.guests.map(({ uuid, name, port, ticket }) => ({
    uuid,
    name,
    hypervisor: 'localhost',
    hypervisor_ip: '127.0.0.1',
    insecure_port: port,
    ticket,
  }));
}

function configurationFile({ mode, options }: Configuration): string {
  const all = { 'pacing.mode': mode ?? 'off', ...options };
  const groups = new Map<string, string[]>();
  for (const [name, value] of Object.entries(all)) {
    const [group = '', option = ''] = name.split('.');
    groups.set(group, [...(groups.get(group) ?? []), `${option} = ${value}`]);
  }
  return [...groups].map(([group, lines]) => `[${group}]\n${lines.join('\n')}\n`).join('\n');
}

function pacingMetrics(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => !line.startsWith('#') && line.includes('pacing'));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}
