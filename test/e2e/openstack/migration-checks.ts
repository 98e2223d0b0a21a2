// SPDX-License-Identifier: Apache-2.0
// `openstack server migrate --live-migration`, there and back, while remote-viewer shows the guest through Kerbside: keys arrive at the
// new host, and how long there was no picture. Takes two compute hosts.
import { join } from 'node:path';
import { differingPixels, type Image } from '../../boot-target/image.js';
import { delay, runProgram, waitFor } from '../../fixtures/program.js';
import { startViewer, startXServer, type Viewer, type XServer } from '../../fixtures/x11.js';
import type { Check, CheckContext } from './check.js';
import { type Guest, PREFIX } from './cloud.js';
import { hostOf } from './notification-checks.js';
import type { Door } from './site.js';

/** In the order that they run. */
export const MIGRATION_CHECKS: readonly Check[] =
  process.env['SECOND_COMPUTE'] === 'yes'
    ? [
        aCheck('plain', 'robust', { OS_PROXY__BACKEND_TRANSPORT: 'plain' }),
        aCheck('TLS', 'robust', { OS_PROXY__BACKEND_TRANSPORT: 'require_tls' }),
        aCheck('plain', 'seamless', { OS_PROXY__BACKEND_TRANSPORT: 'plain' }),
        aCheck('TLS', 'seamless', { OS_PROXY__BACKEND_TRANSPORT: 'require_tls' }),
      ]
    : [];

const SAMPLE_MS = 15;
/** A tenth of the window: more than what a blinking cursor or a typed key changes. */
const PICTURE_GONE = 0.1;
const PATIENCE_MS = 120_000;
/** The guest's screen has no cursor that blinks. */
const STILL_MS = 1500;

function aCheck(transport: string, mode: string, env: NodeJS.ProcessEnv): Check {
  return {
    claim: `remote-viewer goes on when its guest is migrated live and back, ${mode}, ${transport} to the hypervisors`,
    prove: async (context) => {
      const name = `migration-${mode}-${transport.toLowerCase()}`;
      const door = await context.site.open({ name, env: { ...env, OS_MIGRATION__MODE: mode } });
      const x = await startXServer(join(context.dir, `${name}-x11`));
      const guest = await context.cloud.boot(context.demo, `${PREFIX}${name}`);
      try {
        return await thereAndBack(context, { door, x, guest, dir: join(context.dir, `${name}-viewer`) });
      } finally {
        await Promise.all([door.kerbside.stop(3000), x.stop(), context.cloud.remove(guest)]);
      }
    },
  };
}

interface Stage {
  readonly door: Door;
  readonly x: XServer;
  readonly guest: Guest;
  readonly dir: string;
}

async function thereAndBack(context: CheckContext, stage: Stage): Promise<string> {
  const { cloud, demo } = context;
  const { door, x, guest, dir } = stage;
  const vv = await door.vvOf(await cloud.consoleUrl(demo, guest, 'spice-direct'));
  const viewer = await startViewer(x, vv.text, dir);
  try {
    await pictureIn(x, viewer);
    await type(x, 'a');
    const words: string[] = [];
    for (const way of ['there', 'back']) {
      const gone = await migrate(context, stage);
      await type(x, way === 'there' ? 'b' : 'c');
      if (viewer.program.ended() !== null) throw new Error(`remote-viewer has ended, ${way}`);
      words.push(`${way}: no picture for ${gone} ms`);
      // Nova deletes the tokens of the move until it is all done.
      await cloud.settled(guest);
    }
    const audit = await door.audit(guest.id);
    const moves = audit.filter((message) => message.startsWith('Migration completed')).length;
    if (moves !== 2)
      throw new Error(`the audit tells of ${moves} completed migrations: ${audit.join(' | ')}`);
    const overtaken = audit.filter((message) => message.includes('moved before the client')).length;
    return `${words.join(', ')}; overtaken ${overtaken} times`;
  } finally {
    await viewer.stop();
  }
}

/** Waits for the guest's picture. What remote-viewer shows before it, that it connects, is a picture as well. */
async function pictureIn(x: XServer, viewer: Viewer): Promise<void> {
  const shown = (): boolean => viewer.program.output().includes('notebook show display');
  await waitFor('the display in remote-viewer', shown, { giveUpMs: PATIENCE_MS });
  const still = async (): Promise<boolean> => {
    const before = x.screenshot();
    await delay(STILL_MS);
    return differingPixels(before, x.screenshot()) === 0;
  };
  await waitFor('a picture that stands still', still, { giveUpMs: PATIENCE_MS });
}

/** Migrates the guest; gives the milliseconds in which the window did not show it. */
async function migrate(context: CheckContext, { x, guest }: Stage): Promise<number> {
  const { cloud, admin } = context;
  const from = await hostOf(context, guest);
  const to = from === 'lab' ? 'lab2' : 'lab';
  const before = x.screenshot();
  const command = ['--os-compute-api-version', '2.30', 'server', 'migrate', '--live-migration', '--host', to];
  await cloud.openstack(admin, ...command, guest.id);
  const state = { done: false };
  const moved = waitFor('Nova to be done', async () => (await hostOf(context, guest)) === to, {
    giveUpMs: PATIENCE_MS,
    everyMs: 500,
  }).finally(() => (state.done = true));
  let gone = 0;
  for (let at = performance.now(); !state.done;) {
    await delay(SAMPLE_MS);
    const now = performance.now();
    if (isGone(before, x.screenshot())) gone += now - at;
    at = now;
  }
  await moved;
  const back = (): boolean => !isGone(before, x.screenshot());
  await waitFor('the picture after the migration', back, { giveUpMs: 15_000 });
  return Math.round(gone);
}

function isGone(before: Image, now: Image): boolean {
  if (before.width !== now.width || before.height !== now.height) return true;
  return differingPixels(before, now) > before.width * before.height * PICTURE_GONE;
}

/** Types a key, which the guest echoes. */
async function type(x: XServer, key: string): Promise<void> {
  const env = { ...process.env, DISPLAY: x.display };
  await runProgram('xdotool', ['mousemove', '400', '300'], { env });
  await delay(300);
  const before = x.screenshot();
  await runProgram('xdotool', ['key', key], { env });
  await waitFor(`the echo of ${key}`, () => differingPixels(before, x.screenshot()) > 8, {
    giveUpMs: 15_000,
  });
}
