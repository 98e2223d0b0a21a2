// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ControlClient } from '../../../../src/console/connection/control-client.js';
import type { WorkerMessage, WorkerRequest } from '../../../../src/console/ipc.js';

const ESTABLISH: WorkerRequest = {
  ...{ op: 'establish', connectionRef: 'ref', sessionId: 's', generation: 1, backendConnectionId: 2 },
};

function scene(timeout: number): { client: ControlClient; sent: WorkerMessage[] } {
  const sent: WorkerMessage[] = [];
  return { client: new ControlClient((message) => sent.push(message), timeout), sent };
}

describe('ControlClient', () => {
  it('gives each answer to whoever asked, in any order', async () => {
    const { client, sent } = scene(5);
    const answers = [client.request<string>(ESTABLISH), client.request<string>(ESTABLISH)];
    expect(sent.map((message) => (message.op === 'request' ? message.id : 0))).toEqual([1, 2]);
    client.settle({ op: 'reply', id: 2, ok: true, body: 'second' });
    client.settle({ op: 'reply', id: 1, ok: true, body: 'first' });
    expect(await Promise.all(answers)).toEqual(['first', 'second']);
  });

  it('ends a request whose answer is an error', async () => {
    const { client } = scene(5);
    const answer = client.request(ESTABLISH);
    client.settle({ op: 'reply', id: 1, ok: false, error: 'the database is away' });
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
    client.settle({ op: 'reply', id: 1, ok: true, body: null });
    expect(sent).toHaveLength(1);
  });

  it('gives a leave back that came too late, so that its session is not blocked', async () => {
    const { client, sent } = scene(0.02);
    await expect(client.request(ESTABLISH)).rejects.toThrow();
    client.settle({ op: 'reply', id: 1, ok: true, body: { kind: 'granted', connectionRef: 'late' } });
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
