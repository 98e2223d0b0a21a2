// SPDX-License-Identifier: Apache-2.0
// Platforms with thousands of guests each, for `bench --sources`: the fakes of the tests, in a process of their own, so that their CPU time
// is not counted. Tells its parent the entries of sources.yaml once all of them listen, and how many listings have begun whenever it is
// asked. Nothing changes in them but what changes in the real ones by itself: the order of keys, and the load of guests.
import { makeCertificates } from '../fixtures/certificates.js';
import { FakeOpenNebula, ONE_PASSWORD } from '../fixtures/opennebula.js';
import { FakeOvirt, OVIRT_PASSWORD } from '../fixtures/ovirt.js';
import { FakeProxmox } from '../fixtures/proxmox.js';
import { FakeShakenFist, NAMESPACE_KEY } from '../fixtures/shaken-fist.js';

/** An entry of sources.yaml. */
export type FarmEntry = Readonly<Record<string, string>>;

/** One platform of the farm. */
interface Cloud {
  readonly entry: FarmEntry;
  /** Takes the requests since the last call, and tells how many listings began with them. */
  readonly listings: () => number;
}

type MakeCloud = (name: string, guests: number) => Promise<Cloud>;

const TOKEN = 'kerb@pve!bench';
const SECRET = '11111111-2222-3333-4444-555555555555';
const HOSTS = 20;

const certificates = makeCertificates();

const proxmox: MakeCloud = async (name, guests) => {
  const fake = await FakeProxmox.start(certificates.hypervisor, certificates.authority.ca);
  fake.keepsConnections = true;
  fake.tokens.set(TOKEN, { secret: SECRET, audit: true, console: true });
  for (let count = 0; count < guests; count += 1)
    fake.guests.push({
      ...{ vmid: 100 + count, node: `pve${String(count % HOSTS)}`, name: `desk-${String(count)}` },
      ...{ status: 'running', spice: true },
    });
  const login = { url: fake.url, token_id: TOKEN, token_secret: SECRET };
  return {
    entry: { source: name, type: 'proxmox', ...login, ca_cert: certificates.authority.ca },
    listings: () => taken(fake.requests, (asked) => asked === 'GET /cluster/resources'),
  };
};

const ovirt: MakeCloud = async (name, guests) => {
  const fake = await FakeOvirt.start();
  for (let count = 0; count < HOSTS; count += 1) fake.addHost();
  for (let count = 0; count < guests; count += 1)
    fake.addGuest({ name: `desk-${String(count)}`, host: fake.hosts[count % HOSTS]?.id ?? null });
  const login = { url: fake.url, username: fake.username, password: OVIRT_PASSWORD };
  return {
    entry: { source: name, type: 'ovirt', ...login },
    listings: () => taken(fake.server.requests, ({ path }) => path.endsWith('/api/hosts')),
  };
};

const shakenFist: MakeCloud = async (name, guests) => {
  const fake = await FakeShakenFist.start();
  for (let count = 0; count < HOSTS; count += 1) fake.addNode();
  for (let count = 0; count < guests; count += 1)
    fake.addInstance({ node: fake.nodes[count % HOSTS]?.uuid ?? '' });
  const login = { url: fake.url, username: 'system', password: NAMESPACE_KEY };
  return {
    entry: { source: name, type: 'shakenfist', ...login },
    listings: () => taken(fake.server.requests, ({ path }) => path.endsWith('/instances')),
  };
};

const openNebula: MakeCloud = async (name, guests) => {
  const fake = await FakeOpenNebula.start();
  for (let count = 0; count < guests; count += 1)
    fake.add({ host: `hyp${String(count % HOSTS)}.lab.example` });
  const login = { url: fake.url, username: 'kerbside', password: ONE_PASSWORD };
  return {
    entry: { source: name, type: 'opennebula', ...login },
    // The range of ids that begins with the first.
    listings: () => {
      fake.server.forget();
      return taken(fake.calls, (call) => /^one\.vmpool\.info -2,0,/.test(call));
    },
  };
};

const CLOUDS = { proxmox, ovirt, shakenfist: shakenFist, opennebula: openNebula } as const;

function taken<Request>(requests: Request[], begins: (request: Request) => boolean): number {
  return requests.splice(0).filter(begins).length;
}

const [sources = 0, guests = 0] = process.argv.slice(2, 4).map(Number);
const kinds = Object.entries(CLOUDS).filter(([kind]) => (process.argv[4] ?? kind).split(',').includes(kind));
const clouds: Cloud[] = [];
for (let count = 0; count < sources; count += 1) {
  const [kind, make] = kinds[count % kinds.length] ?? ['proxmox', proxmox];
  clouds.push(await make(`${kind}-${String(count)}`, guests));
}
process.on('exit', () => certificates.remove());
process.on('disconnect', () => process.exit(0));
process.on('message', () => process.send?.(clouds.reduce((sum, cloud) => sum + cloud.listings(), 0)));
process.send?.(clouds.map(({ entry }) => entry));
