// SPDX-License-Identifier: Apache-2.0
// What the examples are made of: a guest, Kerbside in front of it, a cloud whose Keystone and Nova Kerbside uses, a browser
// and an X server.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { startChromium } from '../fixtures/chromium.js';
import { Cloud, SERVICE_PASSWORD } from '../fixtures/cloud.js';
import type { Project } from '../fixtures/keystone.js';
import { guestConsole, type Lab, SOURCE, CONSOLE, startLab, staticSource } from '../fixtures/lab.js';
import type { FakeServer } from '../fixtures/nova.js';
import { freePort, waitFor } from '../fixtures/program.js';
import type { VvFile } from '../fixtures/vv-file.js';
import { startXServer, type XServer } from '../fixtures/x11.js';

/** The user whom the examples speak for: a member of the project, and of the groups of Kerbside. */
export const ALICE = { name: 'alice', password: 'wonderland' } as const;
/** The cloud's name in sources.yaml. */
export const CLOUD = 'RegionOne';
/** How the static console is called. */
export const DESKTOP = 'desk-1';

const GROUP = 'kerbside';

/** All of it, running. */
export interface Scene {
  readonly dir: string;
  readonly lab: Lab;
  readonly cloud: Cloud;
  readonly project: Project;
  /** A token of Keystone for the user. */
  readonly keystoneToken: string;
  /** A machine of the cloud. */
  readonly server: FakeServer;
  readonly x: XServer;
  readonly browser: Browser;
  /** Of the service for browsers. */
  readonly html5Port: number;
  /** A fresh token for the guest's console. */
  vv(): Promise<VvFile>;
  stop(): Promise<void>;
}

/** Starts it. @throws Error when a part does not come up */
export async function startScene(dir: string): Promise<Scene> {
  const html5Port = await freePort();
  const cloud = await Cloud.start();
  const { directory } = cloud.keystone;
  const alice = cloud.keystone.addAccount(ALICE.name, ALICE.password, cloud.project, 'member', 'admin');
  directory.addGroup(GROUP, [alice]);
  const labDir = join(dir, 'lab');
  mkdirSync(labDir);
  const lab = await startLab({
    dir: labDir,
    guest: { allChannels: true },
    env: {
      KERBSIDE_NODE_NAME: 'node-1',
      OS_HTML5PROXY__ENABLED: 'true',
      OS_HTML5PROXY__ADDRESS: '127.0.0.1',
      OS_HTML5PROXY__PORT: `${html5Port}`,
      ...cloud.serviceOptions(),
      OS_KEYSTONE__ACCESS_GROUP: GROUP,
      OS_KEYSTONE__ADMIN_GROUP: GROUP,
    },
    sources: (guest) => [
      staticSource([guestConsole(guest, { name: DESKTOP, hypervisor: 'hv1.example.com' })]),
      {
        source: CLOUD,
        type: 'openstack',
        url: cloud.keystone.url,
        username: 'kerbside',
        password: SERVICE_PASSWORD,
        project_name: 'service',
      },
    ],
  });
  directory.addService('console', 'kerbside', lab.kerbside.apiUrl, cloud.keystone.region);
  const { address, port } = lab.guest;
  const server = cloud.server({ name: 'windows-desktop', host: address, port: port ?? 0, tlsPort: null });
  const [x, browser] = await Promise.all([startXServer(join(dir, 'x11')), startChromium()]);
  return {
    ...{ dir, lab, cloud, project: cloud.project, server, x, browser, html5Port },
    keystoneToken: directory.issue(alice, cloud.project).value,
    vv: () => waitFor('console in Kerbside', () => lab.kerbside.vv(SOURCE, CONSOLE), { everyMs: 200 }),
    stop: async () => {
      await Promise.all([browser.close(), x.stop(), lab.stop()]);
      await cloud.close();
    },
  };
}
