// SPDX-License-Identifier: Apache-2.0
// Written by tox-style-scripts/genopenapi from doc/source/openapi.json.

/** The bodies of the API by their names in its OpenAPI document. */
export interface Schemas {
  readonly Error: { readonly error: string; readonly status: number };
  readonly Errors: {
    readonly errors: readonly {
      readonly code: string;
      readonly detail: string;
      readonly links: readonly Schemas['Link'][];
      readonly max_version?: string;
      readonly min_version?: string;
      readonly request_id: string;
      readonly status: number;
      readonly title: string;
    }[];
  };
  readonly GuestPolicy: {
    readonly audio_playback: { readonly from: string; readonly value: boolean };
    readonly audio_record: { readonly from: string; readonly value: boolean };
    readonly clipboard: {
      readonly from: string;
      readonly value: 'none' | 'to-guest' | 'from-guest' | 'both';
    };
    readonly file_transfer: { readonly from: string; readonly value: 'none' | 'to-guest' };
    readonly folder_sharing: { readonly from: string; readonly value: boolean };
    readonly max_monitors: { readonly from: string; readonly value: number };
    readonly smartcard: { readonly from: string; readonly value: boolean };
    readonly usb: { readonly from: string; readonly value: readonly string[] };
    readonly view_only: { readonly from: string; readonly value: boolean };
  };
  readonly Link: { readonly href: string; readonly rel: string; readonly type?: string };
  readonly UiOverview: {
    readonly consoles: number;
    readonly hours: readonly {
      readonly begin_at: string;
      readonly bytes_down: number;
      readonly bytes_up: number;
      readonly channels: number;
      readonly refusals: number;
      readonly sessions: number;
    }[];
    readonly refusals: readonly { readonly count: number; readonly message: string }[];
    readonly sessions: { readonly active: number; readonly closing: number; readonly pending: number };
    readonly sources: readonly {
      readonly active: number;
      readonly consoles: number;
      readonly name: string;
    }[];
  };
  readonly UiWhoami: {
    readonly admin: boolean;
    readonly browser_url: string | null;
    readonly groups: readonly string[];
    readonly keystone: boolean;
    readonly user: string | null;
    readonly version: string | null;
  };
  readonly V1Access: {
    readonly kind: 'everybody' | 'project' | 'user' | 'group';
    readonly name: string | null;
    readonly role: 'view' | 'open' | 'operate';
  };
  readonly V1AuditEvent: {
    readonly channel: string | null;
    readonly client_ip?: string | null;
    readonly created_at: string;
    readonly id: number;
    readonly instance_uuid: string;
    readonly issued_to?: string | null;
    readonly message: string;
    readonly node: string | null;
    readonly pid: number | null;
    readonly project_id: string | null;
    readonly request_id?: string | null;
    readonly request_ip?: string | null;
    readonly request_user?: string | null;
    readonly request_user_id?: string | null;
    readonly requested_by?: 'user' | 'operator' | 'notification' | 'service' | 'null';
    readonly service?: string | null;
    readonly session_id: string | null;
    readonly source: string;
  };
  readonly V1AuditEvents: {
    readonly audit_events: readonly Schemas['V1AuditEvent'][];
    readonly audit_events_links?: readonly Schemas['Link'][];
  };
  readonly V1Connection: {
    readonly bytes_down: number | null;
    readonly bytes_up: number | null;
    readonly channel: string | null;
    readonly channel_id: number;
    readonly channel_type: number;
    readonly client_ip: string;
    readonly client_port: number;
    readonly closed_at: string | null;
    readonly connected_at: string | null;
    readonly connection_ref: string;
    readonly created_at: string;
    readonly duration: number | null;
    readonly id: number;
    readonly instance_uuid: string;
    readonly name: string | null;
    readonly node: string | null;
    readonly pid: number | null;
    readonly project_id: string | null;
    readonly reason: string | null;
    readonly session_id: string;
    readonly source: string;
    readonly state: 'authorized' | 'connected' | 'closed';
  };
  readonly V1Connections: {
    readonly connections: readonly Schemas['V1Connection'][];
    readonly connections_links?: readonly Schemas['Link'][];
  };
  readonly V1Console: {
    readonly access?: readonly Schemas['V1Access'][] | null;
    readonly access_role?: 'default' | 'none' | 'view' | 'open' | 'operate';
    readonly created_at: string;
    readonly guest_policy?: Schemas['GuestPolicy'];
    readonly host: string | null;
    readonly host_subject: string | null;
    readonly hypervisor: string | null;
    readonly hypervisor_ip: string | null;
    readonly id: string;
    readonly insecure_port: number | null;
    readonly instance_state: string | null;
    readonly instance_uuid: string;
    readonly links: readonly Schemas['Link'][];
    readonly locked?: boolean | null;
    readonly name: string | null;
    readonly project_id: string | null;
    readonly protocol?: 'spice' | 'vnc';
    readonly recorded?: boolean;
    readonly secure_port: number | null;
    readonly source: string;
    readonly tags?: readonly string[];
    readonly user_id: string | null;
  };
  readonly V1ConsoleAnswer: { readonly console: Schemas['V1Console'] };
  readonly V1Consoles: {
    readonly consoles: readonly Schemas['V1Console'][];
    readonly consoles_links?: readonly Schemas['Link'][];
  };
  readonly V1CreateConsole: {
    readonly instance_uuid: string;
    readonly replace?: boolean;
    readonly source?: string;
    readonly type?: 'spice-direct' | 'spice-html5' | 'novnc';
  };
  readonly V1Opened: {
    readonly console: {
      readonly connection: {
        readonly ca: string | null;
        readonly host: string;
        readonly host_subject: string | null;
        readonly port: number | null;
        readonly protocol: 'spice' | 'vnc';
        readonly tls_port: number;
      };
      readonly expires_at: string;
      readonly id: string;
      readonly instance_uuid: string;
      readonly links: readonly Schemas['Link'][];
      readonly name: string | null;
      readonly project_id: string | null;
      readonly session_id: string;
      readonly source: string;
    };
  };
  readonly V1Service: {
    readonly binary: string;
    readonly down_at: string | null;
    readonly host: string;
    readonly id: number;
    readonly pid: number;
    readonly report: Readonly<Record<string, unknown>>;
    readonly started_at: string;
    readonly state: 'up' | 'down';
    readonly status: 'running' | 'draining' | 'stopped' | 'lost';
    readonly updated_at: string;
    readonly version: string;
  };
  readonly V1Services: {
    readonly services: readonly Schemas['V1Service'][];
    readonly services_links?: readonly Schemas['Link'][];
  };
  readonly V1Session: {
    readonly closed_at: string | null;
    readonly created_at: string;
    readonly expires_at: string | null;
    readonly id: string;
    readonly instance_uuid: string;
    readonly issued_to: string | null;
    readonly links: readonly Schemas['Link'][];
    readonly name: string | null;
    readonly project_id: string | null;
    readonly reason: string | null;
    readonly recorded?: boolean;
    readonly source: string;
    readonly state: 'pending' | 'active' | 'migrating' | 'closing' | 'closed';
    readonly terminated_at: string | null;
  };
  readonly V1SessionAnswer: { readonly session: Schemas['V1Session'] };
  readonly V1Sessions: {
    readonly sessions: readonly Schemas['V1Session'][];
    readonly sessions_links?: readonly Schemas['Link'][];
  };
  readonly V1Source: {
    readonly ca_cert: string | null;
    readonly deleted: boolean;
    readonly error: string | null;
    readonly errored: boolean;
    readonly id: string;
    readonly last_seen_at: string | null;
    readonly links: readonly Schemas['Link'][];
    readonly name: string;
    readonly project_domain_id: string | null;
    readonly project_name: string | null;
    readonly seen_by: string | null;
    readonly type: string;
    readonly url: string | null;
    readonly user_domain_id: string | null;
    readonly username: string | null;
  };
  readonly V1SourceAnswer: { readonly source: Schemas['V1Source'] };
  readonly V1Sources: {
    readonly sources: readonly Schemas['V1Source'][];
    readonly sources_links?: readonly Schemas['Link'][];
  };
}
