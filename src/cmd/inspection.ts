// SPDX-License-Identifier: Apache-2.0
// What else keeps a program from starting. A start ends at its first fault; whoever mends it wants to know of the others,
// too, so that everything that the parts of the program need is looked at then: the configuration, the database, files and
// ports. Nothing is made or changed. What an option with a fault would lead to is not looked at.
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkSeed, inspectConf } from '../conf/index.js';
import type { Conf, ConfArgs, InspectedConf } from '../conf/index.js';
import { faultsOf, KerbsideException, StartupError, StartupFaults, throwFaults } from '../exception.js';
import { configureLogging, loggerFor } from '../log.js';
import { listen } from '../net/listen.js';

/** A part of a program. */
export type PartName = 'api' | 'proxy' | 'conductor' | 'html5proxy';

/** What is to be looked at. */
export interface InspectedProgram {
  readonly parts: (conf: Conf) => readonly PartName[];
  /** Whether it makes a missing database by itself. */
  readonly syncsSchema: boolean;
}

interface Need {
  /** The options that it is made of, as `group.option`, or whole groups. */
  readonly options: readonly string[];
  /** Throws KerbsideException when it is not met. */
  readonly look: () => unknown;
}

interface Port extends Omit<Need, 'look'> {
  readonly host: string;
  readonly port: number;
  /** What a fault calls it. */
  readonly option: string;
}

/**
 * What of the program was at work when its start ended: nothing yet; parts, which have closed their ports, or are about to;
 * parts that hang and hold them.
 */
export type Stage = 'configuration' | 'parts' | 'hanging';

/** A port that a relay worker held is free a moment after its end. */
const PORT_PAUSE_MS = 100;
const PATIENCE = 10;

const log = loggerFor('kerbside.inspection');

function portsOf({ api, html5proxy, metrics, spice }: Conf, parts: readonly PartName[]): Port[] {
  const exporter = (option: string, port: number): Port => ({
    options: ['metrics.address', `metrics.${option}`],
    ...{ host: metrics.address, port, option: `[metrics] ${option}` },
  });
  const spicePorts = (option: string, port: number): Port[] =>
    spice.address.map((host) => ({
      options: ['spice.address', `spice.${option}`],
      ...{ host, port, option: `[spice] ${option}` },
    }));
  const own: Readonly<Record<PartName, () => Port[]>> = {
    api: () => [
      {
        options: ['api.address', 'api.port'],
        ...{ host: api.address, port: api.port, option: '[api] address, port' },
      },
    ],
    proxy: () => [
      ...spicePorts('secure_port', spice.securePort),
      ...(spice.enableInsecurePort ? spicePorts('insecure_port', spice.insecurePort) : []),
      exporter('port', metrics.port),
    ],
    conductor: () => (parts.length > 1 ? [] : [exporter('conductor_port', metrics.conductorPort)]),
    html5proxy: () => [
      {
        options: ['html5proxy.address', 'html5proxy.port'],
        ...{ host: html5proxy.address, port: html5proxy.port, option: '[html5proxy] address, port' },
      },
      ...(parts.length > 1 ? [] : [exporter('html5proxy_port', metrics.html5proxyPort)]),
    ],
  };
  return parts.flatMap((part) => own[part]());
}

async function tryPort(place: Port, patience: number): Promise<void> {
  const { host, port, option } = place;
  const server = createServer();
  try {
    await listen(server, { host, port, option, log });
    await new Promise((resolve) => server.close(resolve));
  } catch (error) {
    if (patience === 0) throw error;
    await sleep(PORT_PAUSE_MS);
    await tryPort(place, patience - 1);
  }
}

function filesOf(conf: Conf, parts: readonly PartName[]): Need[] {
  const { html5proxy, osloPolicy, spice } = conf;
  const authority: Need = {
    options: ['spice.cacert_path'],
    look: async () => (await import('../tls/ca-certificate.js')).CaCertificate.load(spice.cacertPath),
  };
  const own: Readonly<Record<PartName, Need[]>> = {
    api: [
      { options: ['api.auth_secret_seed'], look: () => checkSeed(conf) },
      authority,
      {
        options: ['keystone', 'keystone_authtoken'],
        look: async () => (await import('../identity/keystone-options.js')).keystoneAuthOptions(conf),
      },
      {
        options: ['oslo_policy'],
        look: async () =>
          (await import('../policy.js')).Policy.load({
            file: osloPolicy.policyFile,
            dirs: osloPolicy.policyDirs,
          }),
      },
    ],
    proxy: [
      {
        options: ['recording.path', 'recording.public_key'],
        look: async () => (await import('../recording/recording-folder.js')).checkRecording(conf.recording),
      },
      {
        options: [
          ...['spice.cert_path', 'spice.key_path', 'spice.cacert_path'],
          ...['spice.host_subject', 'spice.public_fqdn'],
        ],
        look: async () => {
          const { inspectCertificates, spiceCertificates } = await import('../tls/inspection.js');
          throwFaults((await inspectCertificates(spiceCertificates(spice))).faults);
        },
      },
    ],
    conductor: [],
    html5proxy: [
      authority,
      {
        options: ['html5proxy.cert_path', 'html5proxy.key_path'],
        look: async () => {
          const { browserCertificates, inspectCertificates } = await import('../tls/inspection.js');
          const settings = browserCertificates(html5proxy);
          if (settings !== null) throwFaults((await inspectCertificates(settings)).faults);
        },
      },
      {
        options: ['html5proxy.web'],
        look: async () => (await import('../html5proxy/web-root.js')).readWebRoot(html5proxy.web),
      },
    ],
  };
  return parts.flatMap((part) => own[part]);
}

function databaseOf({ database }: Conf, sync: boolean): Need {
  return {
    options: ['DEFAULT.state_path', 'database'],
    look: async () => (await import('../db/inspection.js')).checkDatabase(database, { sync }),
  };
}

function messagingOf(conf: Conf): Need {
  return {
    options: [
      ...['DEFAULT.transport_url', 'DEFAULT.control_exchange', 'notifications'],
      ...['oslo_messaging_notifications', 'oslo_messaging_rabbit'],
    ],
    look: async () => (await import('../messaging/messaging.js')).checkMessaging(conf),
  };
}

function logOf({ default: { debug, useJson, logFile } }: Conf): Need {
  return {
    options: ['DEFAULT.debug', 'DEFAULT.use_json', 'DEFAULT.log_file'],
    look: () => configureLogging({ debug, useJson, file: logFile }),
  };
}

/**
 * Everything that keeps a program from starting.
 *
 * @param error what its start ended with
 * @param stage how far the start came
 * @returns `error`, or StartupFaults when there are more
 */
export async function inspectStart(
  error: KerbsideException,
  program: InspectedProgram,
  args: ConfArgs,
  stage: Stage,
): Promise<KerbsideException> {
  const inspected = readable(args);
  if (inspected === undefined) return error;
  const { conf, faults, isSound } = inspected;
  const parts = program.parts(conf);
  const needs: readonly Need[] = [
    logOf(conf),
    messagingOf(conf),
    databaseOf(conf, program.syncsSchema),
    ...filesOf(conf, parts),
    // Whoever hangs holds ports of our own.
    ...(stage === 'hanging' ? [] : portsOf(conf, parts)).map((port) => ({
      ...port,
      look: () => (port.port === 0 ? undefined : tryPort(port, stage === 'parts' ? PATIENCE : 0)),
    })),
  ];
  const sound = needs.filter(({ options }) => isSound(...options));
  const found = [error, ...faults, ...(await Promise.all(sound.map(faultOf))).flat()];
  const messages = new Set(found.flatMap(faultsOf));
  return messages.size === 1 ? error : new StartupFaults([...messages]);
}

/** undefined: its files cannot be read, and nothing is known of the rest. */
function readable(args: ConfArgs): InspectedConf | undefined {
  try {
    return inspectConf(args, process.env);
  } catch (error) {
    if (error instanceof StartupError) return undefined;
    throw error;
  }
}

/** What is not the site's fault says nothing to the operator. */
async function faultOf({ look }: Need): Promise<KerbsideException[]> {
  try {
    await look();
    return [];
  } catch (error) {
    if (error instanceof KerbsideException) return [error];
    log.debug('a look at the site failed', { error: error instanceof Error ? error : String(error) });
    return [];
  }
}
