// SPDX-License-Identifier: Apache-2.0
// What the REST service writes down beside sessions: users whom the policy refuses, and changes of the policy.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditEvents, type AuditEvent } from '../../../src/objects/audit-event.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { aConsole, anApiSite, type ApiSite } from '../../fixtures/api-site.js';
import { waitFor } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';

const policyFile = join(scratchFolder('policy-'), 'policy.yaml');
const CONSOLE = aConsole();
let site: ApiSite;
beforeAll(async () => {
  writeFileSync(policyFile, '{}\n');
  site = await anApiSite({ OS_OSLO_POLICY__POLICY_FILE: policyFile });
  await new Sources(site.db).upsert({ name: 'lab', type: 'static' });
  await new Consoles(site.db).put('lab', CONSOLE);
});
afterAll(() => site.close());

const eventsOf = async (source: string, uuid: string, words: string): Promise<AuditEvent[]> =>
  (await new AuditEvents(site.db).list(source, uuid, 100)).events.filter(({ message }) =>
    message.includes(words),
  );

function policy(rules: Record<string, string>): void {
  writeFileSync(policyFile, JSON.stringify(rules));
  site.server.reload();
}

describe('the audit trail', () => {
  it('has the change of a policy, and which rules of it', async () => {
    policy({ 'kerbside:consoles:terminate': 'rule:context_is_admin', 'kerbside:sessions:show': '!' });
    const [event] = await waitFor('the event', async () => {
      const found = await eventsOf('', '', 'Policy changed');
      return found.length > 0 && found;
    });
    expect(event).toMatchObject({
      message: 'Policy changed: kerbside:consoles:terminate, kerbside:sessions:show',
      ...{ requested_by: 'service', node: 'node1' },
    });
  });

  it('has a user who asked for what the policy does not let them do, once a minute', async () => {
    policy({ 'kerbside:consoles:terminate': 'rule:context_is_admin' });
    for (let n = 0; n < 3; n += 1) {
      const path = `/v1/consoles/lab/${CONSOLE.uuid}`;
      expect((await site.call('DELETE', path, { token: site.operator })).status).toBe(403);
    }
    const events = await eventsOf('lab', CONSOLE.uuid, 'Request refused');
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      message: 'Request refused: DELETE /v1/consoles/:source/:uuid by kerbside:consoles:terminate',
      ...{ requested_by: 'user', request_user: 'demo', request_ip: '127.0.0.1', client_ip: '127.0.0.1' },
      request_id: expect.stringMatching(/^req-/),
    });
  });

  it('does not name consoles that are none', async () => {
    const path = '/console/lab/no-such-console/terminate';
    expect((await site.call('POST', path, { token: site.operator })).status).toBe(403);
    expect(await eventsOf('lab', 'no-such-console', 'Request refused')).toEqual([]);
    expect(await eventsOf('', '', 'POST /console/:source/:uuid/terminate')).toHaveLength(1);
  });
});
