// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ConsoleIssue } from '../../../src/broker/console-issue.js';
import { NotFound } from '../../../src/exception.js';
import type { AuditEntry } from '../../../src/objects/audit-event.js';
import { AUDIT } from '../../../src/objects/audit-message.js';
import { strangerAt } from '../../../src/objects/requester.js';

const REQUEST = { source: 'lab', uuid: 'one', issuedTo: 'ann' };
const BY = { ...strangerAt('192.0.2.1', 'req-1'), name: 'ann', userId: 'u-1', projectId: 'p-1' };
const TOKEN = { token: 'secret', sessionId: 's-1', expires: 600 };
const LINK = { key: 'secret', sessionId: 's-2', expires: 600 };

function issueOver(minted: { mint: () => Promise<typeof TOKEN>; mintLink: () => Promise<typeof LINK> }) {
  const recorded: AuditEntry[] = [];
  const record = (entry: AuditEntry): Promise<void> => {
    recorded.push(entry);
    return Promise.resolve();
  };
  const use = { replaces: (): Promise<boolean> => Promise.resolve(false) };
  return { recorded, issue: new ConsoleIssue({ tokens: minted, events: { record }, use, node: 'node-1' }) };
}

describe('what a user opens a console with', () => {
  it('is written down in the audit trail, with the session, its user and who asked, and without the secret', async () => {
    const { issue, recorded } = issueOver({
      mint: () => Promise.resolve(TOKEN),
      mintLink: () => Promise.resolve(LINK),
    });
    expect(await issue.token(REQUEST, BY)).toEqual(TOKEN);
    expect(await issue.link(REQUEST, BY)).toEqual(LINK);
    const entry = {
      source: 'lab',
      uuid: 'one',
      node: 'node-1',
      pid: process.pid,
      message: AUDIT.tokenCreated,
      issued_to: 'ann',
      client_ip: '192.0.2.1',
      by: BY,
    };
    expect(recorded).toEqual([
      { ...entry, session_id: 's-1' },
      { ...entry, session_id: 's-2' },
    ]);
  });

  it('is not written down when there is no such console', async () => {
    const gone = (): Promise<never> => Promise.reject(new NotFound('console not found'));
    const { issue, recorded } = issueOver({ mint: gone, mintLink: gone });
    await expect(issue.token(REQUEST, BY)).rejects.toThrow(NotFound);
    await expect(issue.link(REQUEST, BY)).rejects.toThrow(NotFound);
    expect(recorded).toEqual([]);
  });
});
