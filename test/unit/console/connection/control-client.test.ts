// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ControlClient } from '../../../../src/console/connection/control-client.js';
import type {
  AuthorizeRequest,
  Denial,
  EstablishRequest,
  Grant,
  WorkerMessage,
} from '../../../../src/console/ipc.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';

const ESTABLISH: EstablishRequest = {
  ...{ op: 'establish', connectionRef: 'ref', sessionId: 's', generation: 1, backendConnectionId: 2 },
};

const AUTHORIZE: AuthorizeRequest = {
  ...{ op: 'authorize', ticket: 'a token', connectionId: 0, channelType: 1, channelId: 0 },
  ...{ clientIp: '192.0.2.9', clientPort: 1, linkTime: 0.1 },
};
const LATE: Grant = {
  ...{ kind: 'granted', connectionRef: 'late', sessionId: 's', generation: 1, proxyConnectionId: 1 },
  ...{
    backendConnectionId: 0,
    source: 'lab',
    uuid: 'u',
    name: 'n',
    tapped: false,
    expectedInstanceUuid: null,
  },
  target: {
    ...{ hypervisor: 'hv', hypervisorIp: '192.0.2.7', insecurePort: 5900, securePort: null, ticket: 't' },
    ...{ caCert: null, hostSubject: null, transport: null, protocol: 'spice', route: null },
  },
  mint: null,
  migration: null,
  settings: sessionSettings(),
  messageScreen: false,
};

const denial = (reason: string): Denial => ({ kind: 'denied', because: 'token', reason });

function scene(timeout: number): { client: ControlClient; sent: WorkerMessage[] } {
  const sent: WorkerMessage[] = [];
  return { client: new ControlClient((message) => sent.push(message), timeout), sent };
}

describe('ControlClient', () => {
  it('gives each answer to whoever asked, in any order', async () => {
    const { client, sent } = scene(5);
    const answers = [client.request(AUTHORIZE), client.request(ESTABLISH), client.request(AUTHORIZE)];
    expect(sent.map((message) => (message.op === 'request' ? message.id : 0))).toEqual([1, 2, 3]);
    client.settle({ op: 'reply', id: 3, ok: true, answer: { to: 'authorize', body: denial('third') } });
    client.settle({ op: 'reply', id: 2, ok: true, answer: { to: 'establish', body: null } });
    client.settle({ op: 'reply', id: 1, ok: true, answer: { to: 'authorize', body: denial('first') } });
    expect(await Promise.all(answers)).toEqual([denial('first'), null, denial('third')]);
  });

  it('lets a note wait that nobody waits for, and nothing else', () => {
    const waits: boolean[] = [];
    const client = new ControlClient((_message, soon) => waits.push(soon), 5);
    client.note({ op: 'drained' });
    client.noteAtOnce({ op: 'drained' });
    void client.request(ESTABLISH);
    expect(waits).toEqual([true, false, false]);
    client.settle({ op: 'reply', id: 1, ok: true, answer: { to: 'establish', body: null } });
  });

  it('ends a request whose answer is an error', async () => {
    const { client } = scene(5);
    const answer = client.request(ESTABLISH);
    client.settle({ op: 'reply', id: 1, ok: false, to: 'establish', error: 'the database is away' });
    await expect(answer).rejects.toMatchObject({
      reason: 'control plane failed',
      detail: 'the database is away',
    });
  });

  it('ends a request that is not answered in time, and drops what comes later', async () => {
    const { client, sent } = scene(0.02);
    await expect(client.request(ESTABLISH)).rejects.toMatchObject({
      reason: 'control plane failed',
      detail: 'no answer to establish within 0.02 s',
    });
    client.settle({ op: 'reply', id: 1, ok: true, answer: { to: 'establish', body: null } });
    expect(sent).toHaveLength(1);
  });

  it('gives a leave back that came too late, so that its session is not blocked', async () => {
    const { client, sent } = scene(0.02);
    await expect(client.request(AUTHORIZE)).rejects.toThrow();
    client.settle({ op: 'reply', id: 1, ok: true, answer: { to: 'authorize', body: LATE } });
    expect(sent[1]).toMatchObject({
      op: 'note',
      body: { op: 'closed', connectionRef: 'late', reason: 'control plane failed' },
    });
  });

  it('tells notes as they are', () => {
    const { client, sent } = scene(1);
    client.note({ op: 'drained' });
    expect(sent).toEqual([{ op: 'note', body: { op: 'drained' } }]);
  });
});
