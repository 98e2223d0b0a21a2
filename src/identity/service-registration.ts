// SPDX-License-Identifier: Apache-2.0
// Makes the service known in Keystone: the service and its endpoints in the catalog, its user, its project and its
// roles. Everything is looked up before it is made, so that it can be done again at any time.
import type { Secret } from '../conf/secret.js';
import { KeystoneAdmin, type Entity } from './keystone-admin.js';
import type { ServiceSession } from './service-session.js';

/** An endpoint of the service. */
export interface RegisteredEndpoint {
  readonly interface: 'public' | 'internal' | 'admin';
  readonly url: string;
}

/** The user of the service; domains by id or by name, `default` when neither is given. */
export interface RegisteredUser {
  readonly name: string;
  readonly password: Secret;
  readonly domainId?: string | undefined;
  readonly domainName?: string | undefined;
  readonly projectName: string;
  readonly projectDomainId?: string | undefined;
  readonly projectDomainName?: string | undefined;
  readonly roles: readonly string[];
}

/** What is to be in Keystone. */
export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly description: string;
  readonly region: string;
  readonly endpoints: readonly RegisteredEndpoint[];
  /** undefined: the user is somebody else's business. */
  readonly user: RegisteredUser | undefined;
  /** Gives a user that exists the password too. */
  readonly updatePassword: boolean;
}

/** One thing that is in Keystone now. */
export interface RegistrationStep {
  readonly resource: 'region' | 'service' | 'endpoint' | 'project' | 'user' | 'role' | 'assignment';
  readonly name: string;
  readonly id: string;
  readonly change: 'created' | 'updated' | 'unchanged';
}

/**
 * Registers the service.
 * @param session of an administrator
 * @returns what is there now, in the order in which it was checked
 * @throws KeystoneFault when Keystone does not answer, or does not let this be done
 */
export async function registerService(
  session: ServiceSession,
  registration: Registration,
): Promise<RegistrationStep[]> {
  const work = new RegistrationWork(new KeystoneAdmin(session));
  await work.catalog(registration);
  if (registration.user !== undefined) await work.user(registration.user, registration.updatePassword);
  return work.steps;
}

class RegistrationWork {
  readonly steps: RegistrationStep[] = [];

  constructor(private readonly admin: KeystoneAdmin) {}

  async catalog(registration: Registration): Promise<void> {
    const { type, name, description, region } = registration;
    await this.region(region);
    const service = await this.ensure(
      'service',
      'services',
      name,
      { type, name },
      { type, name, description },
    );
    for (const { interface: face, url } of registration.endpoints) {
      await this.endpoint({ service_id: service.id, interface: face, region_id: region }, url);
    }
  }

  async user(user: RegisteredUser, updatePassword: boolean): Promise<void> {
    const domain = await this.domain(user.domainId, user.domainName);
    const projectDomain = await this.domain(user.projectDomainId, user.projectDomainName);
    const inProjectDomain = { name: user.projectName, domain_id: projectDomain };
    const project = await this.ensure(
      'project',
      'projects',
      user.projectName,
      inProjectDomain,
      inProjectDomain,
    );
    const account = await this.ensureUser(user, domain, updatePassword);
    for (const role of user.roles) {
      const { id } = await this.ensure('role', 'roles', role, { name: role }, { name: role });
      const change = (await this.admin.assign(project.id, account, id)) ? 'created' : 'unchanged';
      this.note('assignment', `${user.name} ${role} in ${user.projectName}`, id, change);
    }
  }

  private async region(id: string): Promise<void> {
    const known = await this.admin.get('regions', id);
    if (known === null) await this.admin.create('regions', { id });
    this.note('region', id, id, known === null ? 'created' : 'unchanged');
  }

  private async endpoint(key: Readonly<Record<string, string>>, url: string): Promise<void> {
    const name = `${key['interface'] ?? ''} ${url}`;
    const known = await this.admin.find('endpoints', key);
    if (known === null) {
      const made = await this.admin.create('endpoints', { ...key, url, enabled: true });
      this.note('endpoint', name, made.id, 'created');
      return;
    }
    const same = known.values['url'] === url;
    if (!same) await this.admin.change('endpoints', known.id, { url });
    this.note('endpoint', name, known.id, same ? 'unchanged' : 'updated');
  }

  private async ensureUser(user: RegisteredUser, domain: string, updatePassword: boolean): Promise<string> {
    const key = { name: user.name, domain_id: domain };
    const known = await this.admin.find('users', key);
    const password = user.password.reveal();
    if (known === null) {
      const made = await this.admin.create('users', { ...key, password, enabled: true });
      this.note('user', user.name, made.id, 'created');
      return made.id;
    }
    if (updatePassword) await this.admin.change('users', known.id, { password });
    this.note('user', user.name, known.id, updatePassword ? 'updated' : 'unchanged');
    return known.id;
  }

  private async domain(id: string | undefined, name: string | undefined): Promise<string> {
    if (id !== undefined && id !== '') return id;
    if (name === undefined || name === '') return 'default';
    return (await this.admin.demand('domains', { name })).id;
  }

  private async ensure(
    resource: RegistrationStep['resource'],
    collection: 'services' | 'projects' | 'roles',
    name: string,
    key: Readonly<Record<string, string>>,
    values: Readonly<Record<string, string>>,
  ): Promise<Entity> {
    const known = await this.admin.find(collection, key);
    const entity = known ?? (await this.admin.create(collection, values));
    this.note(resource, name, entity.id, known === null ? 'created' : 'unchanged');
    return entity;
  }

  private note(
    resource: RegistrationStep['resource'],
    name: string,
    id: string,
    change: RegistrationStep['change'],
  ): void {
    this.steps.push({ resource, name, id, change });
  }
}
