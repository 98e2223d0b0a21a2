// SPDX-License-Identifier: Apache-2.0
// kerbside-manage service register: the service in Keystone. It logs in as the administrator whom the environment names
// (OS_AUTH_URL and the rest, as an openrc file sets them), or else with the service's own login.
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { Conf } from '../../conf/index.js';
import { Secret } from '../../conf/secret.js';
import { ConfError } from '../../exception.js';
import { keystoneAuthOptions } from '../../identity/keystone-options.js';
import { registerService, type RegisteredUser } from '../../identity/service-registration.js';
import { ServiceSession, type KeystoneAuthOptions } from '../../identity/service-session.js';
import { printRows, readFormat } from '../table.js';
import type { Format } from '../table.js';
import { configure } from './run.js';
import { addServiceListCommands } from './service-list.js';

interface RegisterOptions {
  readonly publicUrl: string;
  readonly internalUrl?: string;
  readonly adminUrl?: string;
  readonly region?: string;
  readonly serviceType: string;
  readonly serviceName: string;
  readonly role?: readonly string[];
  readonly user: boolean;
  readonly updatePassword?: true;
  readonly format: Format;
}

/** What Nova's policy os-console-auth-tokens asks of the one who reads console tokens, and Keystone's for services. */
const ROLES = ['admin', 'service'];
const DESCRIPTION = 'Kerbside: native SPICE consoles';
const COLUMNS = ['resource', 'name', 'id', 'change'];

async function register(options: RegisterOptions, command: Command): Promise<void> {
  const conf = configure(command);
  const login = environmentLogin(process.env) ?? keystoneAuthOptions(conf);
  if (login === undefined) {
    throw new ConfError(
      'keystone_authtoken',
      'auth_url',
      'there is no Keystone',
      'set it, or OS_AUTH_URL and the login of an administrator in the environment',
    );
  }
  const { publicUrl, internalUrl = publicUrl, adminUrl = internalUrl } = options;
  const steps = await registerService(new ServiceSession(login), {
    type: options.serviceType,
    name: options.serviceName,
    description: DESCRIPTION,
    region: options.region ?? (login.regionName || 'RegionOne'),
    endpoints: [
      { interface: 'public', url: publicUrl },
      { interface: 'internal', url: internalUrl },
      { interface: 'admin', url: adminUrl },
    ],
    user: options.user ? serviceUser(conf, options.role ?? ROLES) : undefined,
    updatePassword: options.updatePassword === true,
  });
  printRows(
    options.format,
    COLUMNS,
    steps.map((step) => ({ ...step })),
  );
}

/** The user that [keystone_authtoken] describes. @throws ConfError when it describes none */
function serviceUser(conf: Conf, roles: readonly string[]): RegisteredUser {
  const o = conf.keystoneAuthtoken;
  const option = o.username === '' ? 'username' : o.password.blank ? 'password' : undefined;
  if (option !== undefined) {
    throw new ConfError(
      'keystone_authtoken',
      option,
      'is not set, and the user of the service is to be registered',
      'set it, or give --no-user',
    );
  }
  return {
    name: o.username,
    password: o.password,
    domainId: o.userDomainId,
    domainName: o.userDomainName,
    projectName: o.projectName === '' ? 'service' : o.projectName,
    projectDomainId: o.projectDomainId,
    projectDomainName: o.projectDomainName,
    roles,
  };
}

/** The login of an openrc file; undefined when there is none in the environment. */
function environmentLogin(env: NodeJS.ProcessEnv): KeystoneAuthOptions | undefined {
  const authUrl = env['OS_AUTH_URL'] ?? '';
  const byCredential = (env['OS_APPLICATION_CREDENTIAL_SECRET'] ?? '') !== '';
  if (authUrl === '' || (!byCredential && (env['OS_PASSWORD'] ?? '') === '')) return undefined;
  return {
    authUrl,
    authType: byCredential ? 'v3applicationcredential' : 'password',
    username: env['OS_USERNAME'],
    userId: env['OS_USER_ID'],
    password: new Secret(env['OS_PASSWORD'] ?? ''),
    userDomainId: env['OS_USER_DOMAIN_ID'],
    userDomainName: env['OS_USER_DOMAIN_NAME'],
    projectId: env['OS_PROJECT_ID'],
    projectName: env['OS_PROJECT_NAME'],
    projectDomainId: env['OS_PROJECT_DOMAIN_ID'],
    projectDomainName: env['OS_PROJECT_DOMAIN_NAME'],
    systemScope: env['OS_SYSTEM_SCOPE'],
    applicationCredentialId: env['OS_APPLICATION_CREDENTIAL_ID'],
    applicationCredentialName: env['OS_APPLICATION_CREDENTIAL_NAME'],
    applicationCredentialSecret: new Secret(env['OS_APPLICATION_CREDENTIAL_SECRET'] ?? ''),
    cafile: env['OS_CACERT'],
    cafileFrom: 'OS_CACERT',
    insecure: /^(1|true|yes|on)$/i.test(env['OS_INSECURE'] ?? ''),
    regionName: env['OS_REGION_NAME'],
    timeout: 30,
  };
}

function readUrl(text: string): string {
  if (/^https?:\/\/[^\s@]+$/.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('Give a URL such as https://cloud.example.org:13002.');
}

function readWord(text: string): string {
  if (/^[^\p{Cc}\s]{1,255}$/u.test(text)) return text;
  throw new InvalidArgumentError('Give one word.');
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, readWord(text)];
}

/** Adds `service register` and the commands about the programs of this site. */
export function addServiceCommands(manage: Command): void {
  const service = manage
    .command('service')
    .description('this service in Keystone, and its programs')
    .helpCommand(false);
  addServiceListCommands(service);
  service
    .command('register')
    .description('put service, endpoints, user and roles into Keystone; what is there already stays')
    .requiredOption('--public-url <url>', 'where users reach the REST API, without /v1', readUrl)
    .option('--internal-url <url>', 'where services reach it; the public URL when absent', readUrl)
    .option('--admin-url <url>', 'the internal URL when absent', readUrl)
    .option('--region <name>', 'OS_REGION_NAME or RegionOne when absent', readWord)
    .option('--service-type <type>', 'its type in the catalog', readWord, 'console')
    .option('--service-name <name>', 'its name in the catalog', readWord, 'kerbside')
    .option('--role <name>', 'a role of the user; may be given again (default: admin and service)', collect)
    .option('--no-user', 'leave the user of [keystone_authtoken] alone')
    .option('--update-password', 'give a user that exists the password of [keystone_authtoken]')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(register);
}
