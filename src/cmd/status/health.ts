// SPDX-License-Identifier: Apache-2.0
// kerbside-status health: does the service on this machine answer? What containers and service managers run every few
// seconds, so it reads the configuration and nothing else.
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { Conf } from '../../conf/index.js';
import { KerbsideException } from '../../exception.js';
import { signalWithin } from '../../net/deadline.js';

/** The services that can be asked. */
export const SERVICES = [
  'kerbside',
  'kerbside-api',
  'kerbside-proxy',
  'kerbside-conductor',
  'kerbside-html5proxy',
] as const;

/** One of the services. */
export type ServiceName = (typeof SERVICES)[number];

/** The service does not answer, or reports that it is unhealthy. */
class Unhealthy extends KerbsideException {}

/** A container runtime waits longer than this before it calls a check hung. */
const DEADLINE_MS = 8_000;

function isService(name: string): name is ServiceName {
  return (SERVICES as readonly string[]).includes(name);
}

/**
 * The service of a container: the one that runs as its first process, under an init or not.
 *
 * @param commandLine /proc/1/cmdline: words that end in NUL
 * @returns 'kerbside' when the first process is something else
 */
export function serviceOf(commandLine: string): ServiceName {
  const names = commandLine.split('\0').map((word) => word.replace(/^.*\//, ''));
  return names.find(isService) ?? 'kerbside';
}

/** The first process's command line; '' where the kernel has no /proc. */
export function firstProcess(): string {
  try {
    return readFileSync('/proc/1/cmdline', 'utf8');
  } catch {
    return '';
  }
}

function urlOf(address: string, port: number, path: string): string {
  const host = address === '::' || address === '0.0.0.0' ? '127.0.0.1' : address;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}${path}`;
}

/** Where a service answers: the REST service at its port, the others beside their metrics. */
function pageOf(conf: Conf, service: ServiceName): string {
  switch (service) {
    case 'kerbside':
    case 'kerbside-api':
      return urlOf(conf.api.address, conf.api.port, '/healthcheck');
    case 'kerbside-conductor':
      return urlOf(conf.metrics.address, conf.metrics.conductorPort, '/healthcheck');
    case 'kerbside-html5proxy':
      return urlOf(conf.metrics.address, conf.metrics.html5proxyPort, '/healthcheck');
    case 'kerbside-proxy':
      return urlOf(conf.metrics.address, conf.metrics.port, '/healthcheck');
  }
}

/**
 * Asks the service on this machine.
 *
 * @throws KerbsideException when it does not answer in time, or not well
 */
export async function checkHealth(conf: Conf, service: ServiceName): Promise<void> {
  const page = pageOf(conf, service);
  let answer: Response;
  try {
    answer = await fetch(page, { signal: signalWithin(DEADLINE_MS) });
  } catch {
    throw new Unhealthy(`${service} does not answer at ${page}; see that it runs and look into its log`);
  }
  // An exporter without such a page is a process that runs.
  if (answer.ok || answer.status === 404) return;
  const said = (await answer.text().catch(() => '')).slice(0, 200);
  throw new Unhealthy(`${service} is not well: ${page} answers ${answer.status} ${said}`.trim());
}
