// SPDX-License-Identifier: Apache-2.0
// The platforms that a source may be of: the one file, beside their own folders, that knows their names. A new platform
// is one folder beside this file and one entry here. Drivers are loaded when the first source of their platform is known: each
// brings its client along, and most sites have one platform or two.
import { KUBEVIRT_CREDENTIALS, KUBEVIRT_KEYS, MAX_TOKEN_BYTES, readKubeVirt } from './kubevirt/entry.js';
import { LIBVIRT_KEYS, readLibvirt } from './libvirt/entry.js';
import { OPENNEBULA_KEYS, readOpenNebula } from './opennebula/entry.js';
import { knowsUsers, OPENSTACK_KEYS, readOpenStack } from './openstack/entry.js';
import { OVIRT_KEYS, readOvirt } from './ovirt/entry.js';
import type { Platform } from './platform.js';
import { PROXMOX_CREDENTIALS, PROXMOX_KEYS, readProxmox } from './proxmox/entry.js';
import { readShakenFist, SHAKEN_FIST_KEYS } from './shakenfist/entry.js';

/** The platforms, by the word that sources.yaml has for them. */
export const PLATFORMS = {
  kubevirt: {
    keys: KUBEVIRT_KEYS,
    credentialKeys: KUBEVIRT_CREDENTIALS,
    longestPassword: MAX_TOKEN_BYTES,
    readOptions: readKubeVirt,
    guestReportsUuid: false,
    mintsTickets: true,
    needsDefinition: true,
    loadDriver: async () => {
      const { KubeVirtDriver } = await import('./kubevirt/driver.js');
      return ({ definition }, services) => new KubeVirtDriver(definition, services);
    },
  },
  libvirt: {
    keys: LIBVIRT_KEYS,
    urlKey: 'uri',
    readOptions: readLibvirt,
    guestReportsUuid: true,
    mintsTickets: true,
    needsDefinition: true,
    loadDriver: async () => {
      const { LibvirtDriver } = await import('./libvirt/driver.js');
      return ({ definition }, services) => new LibvirtDriver(definition, services);
    },
  },
  opennebula: {
    keys: OPENNEBULA_KEYS,
    readOptions: readOpenNebula,
    guestReportsUuid: false,
    needsDefinition: true,
    loadDriver: async () => {
      const { OpenNebulaDriver } = await import('./opennebula/driver.js');
      return ({ definition }, services) => new OpenNebulaDriver(definition, services);
    },
  },
  openstack: {
    keys: OPENSTACK_KEYS,
    readOptions: readOpenStack,
    guestReportsUuid: true,
    needsDefinition: true,
    exchange: 'asked',
    knowsUsers,
    loadDriver: async () => {
      const { OpenStackDriver } = await import('./openstack/driver.js');
      return ({ definition }, services) => new OpenStackDriver(definition, services);
    },
  },
  ovirt: {
    keys: OVIRT_KEYS,
    readOptions: readOvirt,
    guestReportsUuid: false,
    mintsTickets: true,
    needsDefinition: true,
    loadDriver: async () => {
      const { OvirtDriver } = await import('./ovirt/driver.js');
      return ({ definition }, services) => new OvirtDriver(definition, services);
    },
  },
  proxmox: {
    keys: PROXMOX_KEYS,
    credentialKeys: PROXMOX_CREDENTIALS,
    severalUrls: true,
    readOptions: readProxmox,
    guestReportsUuid: false,
    needsDefinition: true,
    mintsTickets: true,
    loadDriver: async () => {
      const { ProxmoxDriver } = await import('./proxmox/driver.js');
      return ({ definition }) => new ProxmoxDriver(definition);
    },
  },
  shakenfist: {
    keys: SHAKEN_FIST_KEYS,
    readOptions: readShakenFist,
    guestReportsUuid: false,
    needsDefinition: true,
    exchange: 'signed',
    loadDriver: async () => {
      const { ShakenFistDriver } = await import('./shakenfist/driver.js');
      return ({ definition }, services) => new ShakenFistDriver(definition, services);
    },
  },
  static: {
    keys: ['consoles'],
    listsConsoles: true,
    guestReportsUuid: false,
    needsDefinition: false,
    loadDriver: async () => {
      const { StaticDriver } = await import('./static/driver.js');
      return ({ listed }) => new StaticDriver(listed);
    },
  },
} as const satisfies Readonly<Record<string, Platform>>;

/** A platform that an entry may name. */
export type SourceType = keyof typeof PLATFORMS;

/** The platform whose machines Nova's notifications are about. */
export const NOVA_PLATFORM: SourceType = 'openstack';

/** A platform by its name; undefined when it is unknown. */
export function platformOf(type: string): Platform | undefined {
  return Object.hasOwn(PLATFORMS, type) ? PLATFORMS[type as SourceType] : undefined;
}
