// SPDX-License-Identifier: Apache-2.0
// Users whom an identity provider vouches for: Keystone puts the groups that its mapping gives into their tokens, and lists them
// nowhere else. They get in by the ID of such a group, and never by a name.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { aConsole, anApiSite, type Answer, type ApiSite } from '../../fixtures/api-site.js';
import { Cloud } from '../../fixtures/cloud.js';
import type { Group, Project } from '../../fixtures/keystone.js';

const UUID = '00000000-0000-4000-8000-000000000001';
const BY_ID = `/console/proxy/by-id/${UUID}/console.vv`;
const BY_NAME = `/console/proxy/by-name/${UUID}/console.vv`;

let cloud: Cloud;
let site: ApiSite;
let staff: Group;
let project: Project;

beforeAll(async () => {
  cloud = await Cloud.start();
  site = await anApiSite(cloud.serviceOptions());
  staff = cloud.keystone.directory.addGroup('staff');
  project = cloud.keystone.directory.addProject('lectures');
  const sources = new Sources(site.db);
  for (const [name, group] of Object.entries({ 'by-id': staff.id, 'by-name': 'staff' })) {
    await sources.upsert({ name, type: 'static', settings: { access: [{ role: 'open', groups: [group] }] } });
    await new Consoles(site.db).reconcile(name, [aConsole({ uuid: UUID })]);
  }
});
afterAll(async () => {
  await site.close();
  await cloud.close();
});

/** A token of somebody who came in through an identity provider. */
function aFederatedToken(name: string, groups: readonly string[]): string {
  const user = cloud.keystone.addAccount(name, '', project, 'member', 'reader');
  user.federatedGroups = groups;
  return cloud.keystone.directory.issue(user, project).value;
}

function opened(token: string, path: string): Promise<Answer> {
  return site.call('GET', path, { headers: { 'X-Auth-Token': token } });
}

describe('a federated user', () => {
  it('opens what a list gives to the ID of a group in the token', async () => {
    const answer = await opened(aFederatedToken('fay', ['another-group', staff.id]), BY_ID);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('[virt-viewer]');
  });

  it.each<[string, (id: string) => readonly string[]]>([
    ['another group', () => ['another-group']],
    ['no group', () => []],
    ['the beginning of its ID', (id) => [id.slice(0, -1)]],
  ])('in %s does not find it', async (who, groups) => {
    const answer = await opened(aFederatedToken(`federated in ${who}`, groups(staff.id)), BY_ID);
    expect(answer.status).toBe(404);
  });

  it('is let in by the name of a group only where Keystone lists the user in it', async () => {
    const token = aFederatedToken('fred', [staff.id]);
    expect((await opened(token, BY_NAME)).status).toBe(404);
    const member = cloud.keystone.addAccount('mary', '', project, 'member', 'reader');
    staff.members.add(member.id);
    expect((await opened(cloud.keystone.directory.issue(member, project).value, BY_NAME)).status).toBe(200);
  });

  it('has no more groups than are read, and what is no group spoils nothing', async () => {
    const groups = Array.from({ length: 501 }, (_, n) => `group-${String(n)}`);
    expect((await opened(aFederatedToken('max', [...groups, staff.id]), BY_ID)).status).toBe(404);
    const odd = [7, null, {}] as unknown as string[];
    expect((await opened(aFederatedToken('odd', [...odd, staff.id]), BY_ID)).status).toBe(200);
  });
});
