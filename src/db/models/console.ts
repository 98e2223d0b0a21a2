// SPDX-License-Identifier: Apache-2.0
// Table consoles: one SPICE or VNC server each. `ticket` is encrypted.
import { EntitySchema } from 'typeorm';
import { SUPERSEDED_SETTINGS, type SupersededSettings } from './superseded-settings.js';

/** One row of consoles. */
export interface ConsoleRow {
  source: string;
  uuid: string;
  discovered: number;
  hypervisor: string;
  hypervisor_ip: string;
  insecure_port: number | null;
  secure_port: number | null;
  name: string | null;
  host_subject: string | null;
  ticket: string | null;
  /** The project and user that own the instance; null on platforms that have none. */
  project_id: string | null;
  user_id: string | null;
  /** What the platform said of the instance when it was last asked. */
  instance_state: string | null;
  instance_host: string | null;
  /** Time of the newest notification about the instance that was applied: the message's own, epoch seconds. */
  instance_event_at: number | null;
  /** Whether its owner has locked the instance: 1, 0, or null when it is unknown. */
  instance_locked: number | null;
  /** Time of the newest message with the lock: not every message has it. */
  instance_locked_at: number | null;
  /** The host that the console's address is of; another one than instance_host once the instance has moved. */
  address_host: string | null;
  /** 1: the address may be another machine's by now, since the guest got a new hypervisor process. */
  address_stale: number | null;
  /** What it says for itself, as a JSON object of objects/own-settings.ts; null: nothing. */
  settings: string | null;
  /** auto, on or off; null: as its source has it. */
  /** on or off; null: as its source has it. */
  /** `http://host:port` of the proxy that connects to it; null: none. */
  connect_proxy: string | null;
  /** Path of the unix socket that it listens on; null: its ports are dialled. */
  unix_socket: string | null;
  /** The platform's tags of it, as a JSON list of texts; null: none. */
  tags: string | null;
  /** `vnc`; null: spice. */
  protocol: string | null;
  /** Which list of access_grants says who may open it; null: there is none, and the policy alone says so. */
  access_id: string | null;
}

/** How TypeORM knows consoles; the migrations make the table. */
export const ConsoleModel = new EntitySchema<ConsoleRow & SupersededSettings>({
  name: 'Console',
  tableName: 'consoles',
  columns: {
    source: { type: 'varchar', length: 255, primary: true },
    uuid: { type: 'varchar', length: 36, primary: true },
    discovered: { type: 'double' },
    hypervisor: { type: 'varchar', length: 255 },
    hypervisor_ip: { type: 'varchar', length: 255 },
    insecure_port: { type: 'int', nullable: true },
    secure_port: { type: 'int', nullable: true },
    name: { type: 'varchar', length: 255, nullable: true },
    host_subject: { type: 'varchar', length: 1024, nullable: true },
    ticket: { type: 'varchar', length: 1024, nullable: true },
    project_id: { type: 'varchar', length: 255, nullable: true },
    user_id: { type: 'varchar', length: 255, nullable: true },
    instance_state: { type: 'varchar', length: 64, nullable: true },
    instance_host: { type: 'varchar', length: 255, nullable: true },
    instance_event_at: { type: 'double', nullable: true },
    instance_locked: { type: 'smallint', nullable: true },
    instance_locked_at: { type: 'double', nullable: true },
    address_host: { type: 'varchar', length: 255, nullable: true },
    address_stale: { type: 'smallint', nullable: true },
    ...SUPERSEDED_SETTINGS,
    settings: { type: 'text', nullable: true },
    connect_proxy: { type: 'varchar', length: 255, nullable: true },
    unix_socket: { type: 'varchar', length: 107, nullable: true },
    tags: { type: 'text', nullable: true },
    access_id: { type: 'varchar', length: 32, nullable: true },
    protocol: { type: 'varchar', length: 16, nullable: true },
  },
  indices: [
    { name: 'consoles_project', columns: ['project_id', 'source', 'uuid'] },
    { name: 'consoles_name', columns: ['name', 'source', 'uuid'] },
    { name: 'consoles_state', columns: ['instance_state', 'name', 'source', 'uuid'] },
    { name: 'consoles_discovered', columns: ['discovered', 'source', 'uuid'] },
    { name: 'consoles_access', columns: ['access_id', 'source', 'uuid'] },
  ],
});
