// SPDX-License-Identifier: Apache-2.0
// The JSON of the nouns: exactly these members, and never a secret.
import { describe, expect, it } from '@jest/globals';
import { viewAuditEvent, viewConsole } from '../../../../src/api/views/console.js';
import { NO_TRUST, settledPolicy } from '../../../../src/objects/guest-policy-levels.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';
import { viewSessions } from '../../../../src/api/views/session.js';
import { viewSource } from '../../../../src/api/views/source.js';

describe('viewConsole', () => {
  it('shows a console without its ticket, whatever the object carries', () => {
    const console = {
      source: 'lab',
      uuid: 'u-1',
      name: 'desktop',
      hypervisor: 'hv1',
      hypervisorIp: '192.0.2.1',
      insecurePort: 5900,
      securePort: null,
      hostSubject: null,
      projectId: 'p-1',
      accessId: null,
      userId: 'u-9',
      instanceState: 'ACTIVE',
      instanceHost: 'compute-1',
      discovered: 1.5,
      sessionIds: ['abcdefghijkl'],
      tokenCount: 1,
      protocol: 'vnc' as const,
      ticket: 'never shown',
    };
    const policy = settledPolicy({ policy: sessionSettings().guestPolicy, trust: NO_TRUST }, []);
    expect(viewConsole(console, policy)).toEqual({
      uuid: 'u-1',
      source: 'lab',
      hypervisor: 'hv1',
      hypervisor_ip: '192.0.2.1',
      insecure_port: 5900,
      secure_port: null,
      name: 'desktop',
      host_subject: null,
      discovered: 1.5,
      sessions: ['abcdefghijkl'],
      token_count: 1,
      audit: [],
      protocol: 'vnc',
      guest_policy: expect.objectContaining({ clipboard: { value: 'both', from: 'deployment' } }),
    });
  });
});

describe('viewAuditEvent', () => {
  it('shows an event with all that is known, without the number of its row', () => {
    const event = {
      id: 7,
      source: 'lab',
      uuid: 'u-1',
      session_id: null,
      channel: 'main',
      node: 'n',
      pid: 1,
      timestamp: 2.5,
      message: 'Channel created',
      issued_to: 'ann',
      client_ip: '192.0.2.1',
      service: 'kerbside-proxy',
      requested_by: null,
      request_user: null,
      request_user_id: null,
      request_id: null,
      request_ip: null,
    };
    const { id, ...shown } = event;
    expect(id).toBe(7);
    expect(viewAuditEvent(event)).toEqual(shown);
  });
});

describe('viewSource', () => {
  it('shows a source without its password, whatever the object carries', () => {
    const source = {
      name: 'lab',
      type: 'static',
      lastSeen: 1.5,
      seenBy: 'n',
      errored: true,
      error: 'line 3, column 1: bad',
      url: null,
      caCert: null,
      username: 'u',
      projectName: 'p',
      userDomainId: 'd',
      projectDomainId: 'e',
      deleted: false,
      password: 'never shown',
    };
    expect(viewSource(source)).toEqual({
      name: 'lab',
      type: 'static',
      last_seen: 1.5,
      seen_by: 'n',
      errored: true,
      error: 'line 3, column 1: bad',
      url: null,
      ca_cert: null,
      username: 'u',
      project_name: 'p',
      user_domain_id: 'd',
      project_domain_id: 'e',
      deleted: false,
    });
  });
});

describe('viewSessions', () => {
  const channel = {
    id: 3,
    node: 'n',
    pid: 9,
    created: 1.5,
    clientIp: '2001:db8::1',
    clientPort: 40000,
    connectionId: null,
    channelType: 1,
    channelId: 0,
    sessionId: 'abcdefghijkl',
    connectionRef: 'r',
  };
  const session = {
    sessionId: 'abcdefghijkl',
    source: 'lab',
    uuid: 'u-1',
    name: null,
    projectId: null,
    issuedTo: 'ann',
    channels: [channel],
  };

  it('keys the sessions by their id', () => {
    expect(viewSessions([session])).toEqual({
      abcdefghijkl: {
        source: 'lab',
        uuid: 'u-1',
        name: null,
        issued_to: 'ann',
        channels: [
          {
            id: 3,
            node: 'n',
            pid: 9,
            created: 1.5,
            client_ip: '2001:db8::1',
            client_port: 40000,
            connection_id: null,
            channel_type: 'main',
            channel_id: 0,
            session_id: 'abcdefghijkl',
            connection_ref: 'r',
          },
        ],
      },
    });
    expect(viewSessions([])).toEqual({});
  });

  it('names a channel as the original does', () => {
    const typesOf = (types: readonly number[]): unknown[] => {
      const channels = types.map((channelType) => ({ ...channel, channelType }));
      const view = viewSessions([{ ...session, channels }])['abcdefghijkl'] as {
        channels: { channel_type: unknown }[];
      };
      return view.channels.map(({ channel_type }) => channel_type);
    };
    expect(typesOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])).toEqual([
      'main',
      'display',
      'inputs',
      'cursor',
      'playback',
      'record',
      'tunnel',
      'smartcard',
      'usbredir',
      'port',
      'webdav',
    ]);
    expect(typesOf([0, 12])).toEqual(['0', '12']);
  });
});
