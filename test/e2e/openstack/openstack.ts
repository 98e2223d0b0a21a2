// SPDX-License-Identifier: Apache-2.0
// Proves against a real OpenStack what Kerbside says of OpenStack. Brings the cloud up, starts Kerbside in front of it,
// runs the checks, prints a line for each; exit status 0 only when every claim holds.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isFree } from '../../fixtures/program.js';
import { ACCESS_CHECKS } from './access-checks.js';
import type { Check, CheckContext } from './check.js';
import { CLIENT_CHECKS } from './client-checks.js';
import { Cloud, PREFIX } from './cloud.js';
import { LIFE_CHECKS } from './life-checks.js';
import { MIGRATION_CHECKS } from './migration-checks.js';
import { NOTIFICATION_CHECKS } from './notification-checks.js';
import { OUTAGE_CHECKS } from './outage-checks.js';
import { PICTURE_CHECKS } from './picture-checks.js';
import { POLICY_CHECKS } from './policy-checks.js';
import { Site } from './site.js';

const USAGE = `usage: openstack [--only WORD] [--evidence FILE] [--keep] [--down]
  --only WORD      only the checks whose claim holds the word; may be given several times
  --evidence FILE  also writes what the cloud and Kerbside answered, without secrets, to a file
  --keep           leaves the private folder with logs and keys behind
  --down           ends the cloud afterwards (it stays up otherwise)
The cloud lives in $CLOUD_ROOT (/var/tmp/kerbside-openstack), needs root, and takes minutes the first time.`;

const CHECKS: readonly Check[] = [
  ...PICTURE_CHECKS,
  ...ACCESS_CHECKS,
  ...CLIENT_CHECKS,
  ...LIFE_CHECKS,
  ...NOTIFICATION_CHECKS,
  ...POLICY_CHECKS,
  ...MIGRATION_CHECKS,
  ...OUTAGE_CHECKS,
];
/** Nova's configuration sends console URLs here (cloud/settings.sh). */
const API_PORT = 13002;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function context(dir: string, evidenceFile: string | undefined): Promise<CheckContext> {
  const cloud = new Cloud();
  say(`openstack: bringing the cloud up in ${cloud.root}`);
  await cloud.up();
  const [admin, demo, stranger] = await Promise.all([
    cloud.login('admin', 'admin'),
    cloud.login('demo', 'demo'),
    cloud.login('stranger', 'other'),
  ]);
  await Promise.all([admin, demo, stranger].map((account) => cloud.removeAll(account, PREFIX)));
  say('openstack: starting MariaDB and Kerbside');
  const site = await Site.start(dir, cloud);
  const free = await isFree('127.0.0.1', API_PORT);
  try {
    const door = await site.open({ name: 'kerbside', ...(free ? { apiPort: API_PORT } : {}) });
    say('openstack: booting guests');
    const guest = await cloud.boot(demo, `${PREFIX}guest`);
    const evidence = (text: string): void => {
      if (evidenceFile !== undefined) appendFileSync(evidenceFile, `${text}\n\n`);
    };
    return { dir, cloud, site, door, admin, demo, stranger, guest, evidence };
  } catch (error) {
    await site.stop();
    throw error;
  }
}

async function run(checks: readonly Check[], shared: CheckContext): Promise<number> {
  let failed = 0;
  for (const { claim, prove } of checks) {
    const started = Date.now();
    try {
      const words = await prove(shared);
      say(`ok      ${claim}: ${words} (${seconds(started)} s)`);
    } catch (error) {
      failed += 1;
      say(`FAILED  ${claim}: ${reason(error)} (${seconds(started)} s)`);
    }
  }
  say(`${checks.length - failed} ok, ${failed} FAILED`);
  return failed;
}

function seconds(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(1);
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${reason(error.cause)})`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      evidence: { type: 'string' },
      keep: { type: 'boolean' },
      down: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    say(USAGE);
    return 0;
  }
  const wanted = CHECKS.filter(({ claim }) => (values.only ?? ['']).some((word) => claim.includes(word)));
  if (values.evidence !== undefined) writeFileSync(values.evidence, '');
  const dir = mkdtempSync(join(tmpdir(), 'kerbside-openstack-'));
  try {
    const shared = await context(dir, values.evidence);
    try {
      return (await run(wanted, shared)) === 0 ? 0 : 1;
    } finally {
      await shared.site.stop();
      await Promise.all(
        [shared.admin, shared.demo, shared.stranger].map((who) => shared.cloud.removeAll(who, PREFIX)),
      );
      if (values.down === true) await shared.cloud.down();
    }
  } finally {
    if (values.keep === true) say(`openstack: logs are in ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`openstack: ${reason(error)}\n`);
    process.exit(1);
  },
);
