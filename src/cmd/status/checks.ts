// SPDX-License-Identifier: Apache-2.0
// What `kerbside-status upgrade check` looks at: the configuration, the seed, the database and its schema, the
// certificates, the sources file, the policy, the login at Keystone, the other services. Each check answers; none of
// them changes anything.
import { existsSync, readFileSync } from 'node:fs';
import type { ChangedMeaning } from '../../conf/changed-meaning.js';
import { checkSeed } from '../../conf/index.js';
import type { Conf, InspectedConf } from '../../conf/index.js';
import { Database } from '../../db/database.js';
import { faultsOf } from '../../exception.js';
import { KeystoneFault } from '../../identity/keystone-fault.js';
import { keystoneAuthOptions } from '../../identity/keystone-options.js';
import { ServiceSession } from '../../identity/service-session.js';
import { Services } from '../../objects/service.js';
import type { Service } from '../../objects/service.js';
import { unreadableOption } from '../../option-file.js';
import { Policy } from '../../policy.js';
import { decodeSources, parseSources } from '../../sources/file/sources-file.js';
import { VERSION } from '../../version.js';
import { openContext } from '../context.js';
import { everyPage } from '../manage/pages.js';
import { describeFault } from '../outcome.js';
import { checkCertificates, checkRunningProxy, SUCCESS, warnings, type Finding } from './certificates.js';
import type { CheckResult } from './check.js';

function faultOf(error: unknown): string {
  return describeFault(error) ?? (error instanceof Error ? error.message : String(error));
}

/** One row of the table. */
interface Check {
  readonly name: string;
  /** The options that it goes by, as `group.option`, or whole groups. */
  readonly options: readonly string[];
  readonly look: (conf: Conf) => Finding | Promise<Finding>;
}

async function check({ name, options, look }: Check, { conf, isSound }: InspectedConf): Promise<CheckResult> {
  if (!isSound(...options)) {
    const details = 'not looked at: an option that it goes by does not fit';
    return { name, outcome: 'Warning', details };
  }
  try {
    return { name, ...(await look(conf)) };
  } catch (error) {
    return { name, outcome: 'Failure', details: faultOf(error) };
  }
}

/**
 * What the values say in which a `$` stands for something. It did not before there was substitution, and a `$` in a password
 * is more likely a character of it.
 */
export function referenceFinding(found: readonly ChangedMeaning[]): Finding {
  const places = (confidential: boolean): string[] =>
    found.filter((one) => one.confidential === confidential).map(({ where }) => where);
  const [passwords, others] = [places(true), places(false)];
  const told = others.length === 0 ? [] : [`$ refers to other options in ${others.join(', ')}`];
  if (passwords.length === 0) return { outcome: 'Success', details: told.join('; ') };
  const asked = `make sure that each $ of a password is written $$ in ${passwords.join(', ')}`;
  return { outcome: 'Warning', details: [asked, ...told].join('; ') };
}

async function checkDatabase(conf: Conf): Promise<Finding> {
  const context = await openContext({ name: 'kerbside-status', conf, readOnly: true });
  try {
    const db = context.get<Database>(Database);
    await db.ping();
    const { schema, server } = await db.version();
    return { outcome: 'Success', details: `schema ${schema ?? 'empty'}, server ${server}` };
  } finally {
    await context.close();
  }
}

function checkPolicy(conf: Conf): Finding {
  const { policyFile, policyDirs } = conf.osloPolicy;
  Policy.load({ file: policyFile, dirs: policyDirs });
  const there = existsSync(policyFile);
  return { outcome: 'Success', details: there ? policyFile : `no ${policyFile}: the defaults hold` };
}

/** Whether the login of the service works; the rest of Kerbside works without. */
async function checkKeystone(conf: Conf): Promise<Finding> {
  const options = keystoneAuthOptions(conf);
  if (options === undefined) return { outcome: 'Success', details: 'not configured' };
  try {
    await new ServiceSession(options).token();
    return SUCCESS;
  } catch (error) {
    if (error instanceof KeystoneFault) return { outcome: 'Warning', details: error.message };
    throw error;
  }
}

function readSources(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadableOption('sources', 'path', path, error);
  }
}

function checkSources(conf: Conf): Finding {
  const { entries, nameless, warnings: odd } = parseSources(decodeSources(readSources(conf.sources.path)));
  const faults = [...nameless, ...entries.flatMap((entry) => [...entry.faults, ...entry.consoleFaults])];
  if (faults.length > 0) return { outcome: 'Failure', details: faults.join('; ') };
  return warnings(odd);
}

/** What is odd about the other programs of this site: another release, or silent. */
export function serviceWarnings(services: readonly Service[], version: string): string[] {
  return services.flatMap(({ host, binary, state, status, version: other }) => {
    if (state === 'up')
      return other === version ? [] : [`${binary} on ${host} is of release ${other}, this one is ${version}`];
    return status === 'lost' ? [`${binary} on ${host} is down`] : [];
  });
}

async function checkServices(conf: Conf): Promise<Finding> {
  const context = await openContext({ name: 'kerbside-status', conf, readOnly: true });
  try {
    const services = context.get(Services);
    const downTime = conf.default.serviceDownTime;
    const found = await everyPage((page) => services.list(page, { downTime }));
    const odd = serviceWarnings(found, VERSION);
    const up = found.filter(({ state }) => state === 'up').length;
    return odd.length > 0 ? warnings(odd) : { outcome: 'Success', details: `${up} up` };
  } finally {
    await context.close();
  }
}

const CHECKS: readonly Check[] = [
  { name: 'API secret seed', options: ['api.auth_secret_seed'], look: (conf) => warnings(checkSeed(conf)) },
  { name: 'Database', options: ['DEFAULT.state_path', 'database'], look: checkDatabase },
  {
    name: 'Services',
    options: ['DEFAULT.state_path', 'DEFAULT.service_down_time', 'database'],
    look: checkServices,
  },
  { name: 'Certificates', options: ['spice', 'html5proxy'], look: checkCertificates },
  { name: 'Running proxy', options: ['spice', 'html5proxy', 'proxy'], look: checkRunningProxy },
  { name: 'Sources file', options: ['sources.path'], look: checkSources },
  { name: 'Policy', options: ['oslo_policy'], look: checkPolicy },
  { name: 'Keystone', options: ['keystone', 'keystone_authtoken'], look: checkKeystone },
];

function configurationFinding({ faults, warnings: oddities }: InspectedConf): Finding {
  if (faults.length === 0) return warnings(oddities);
  return { outcome: 'Failure', details: [...new Set(faults.flatMap(faultsOf))].join('; ') };
}

/**
 * Runs all checks. One whose options do not fit is left out, with a word about it.
 *
 * @param inspected the configuration with its faults
 * @param references its values in which a `$` stands for something
 */
export async function runChecks(
  inspected: InspectedConf,
  references: readonly ChangedMeaning[],
): Promise<CheckResult[]> {
  const results: CheckResult[] = [
    { name: 'Configuration', ...configurationFinding(inspected) },
    { name: 'Dollar signs', ...referenceFinding(references) },
  ];
  for (const one of CHECKS) results.push(await check(one, inspected));
  return results;
}
