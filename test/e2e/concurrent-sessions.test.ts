// SPDX-License-Identifier: Apache-2.0
// Two real viewers on one real QEMU: beside each other where it takes several clients, each seeing what the other types; and one
// in the place of the other where it does not.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { scancodesOf } from '../boot-target/decode.js';
import { startDesk, type Desk } from '../fixtures/desk.js';
import { CONSOLE, guestConsole, SOURCE, staticSource } from '../fixtures/lab.js';
import { waitFor } from '../fixtures/program.js';
import { startViewer, startXServer, type Viewer, type XServer } from '../fixtures/x11.js';

jest.setTimeout(240_000);

/** A desk, and a second person at a screen of their own. */
class TwoPeople {
  private viewers: Viewer[] = [];

  private constructor(
    readonly desk: Desk,
    private readonly screens: readonly XServer[],
  ) {}

  static async at(setting: string, guestEnv: Readonly<Record<string, string>>): Promise<TwoPeople> {
    const desk = await startDesk(() => ({
      guest: { env: { ...process.env, ...guestEnv } },
      sources: (guest) => [staticSource([guestConsole(guest, { concurrent_sessions: setting })])],
    }));
    const other = await startXServer(join(desk.dir, 'x11-other')).catch(async (error: unknown) => {
      await desk.stop();
      throw error;
    });
    return new TwoPeople(desk, [desk.x, other]);
  }

  /** The viewer of person 0 or 1, with a token of their own, once it shows the guest. */
  async open(person: 0 | 1): Promise<{ viewer: Viewer; session: string }> {
    const vv = await this.desk.vv();
    const dir = join(this.desk.dir, `person-${String(person)}-${String(this.viewers.length)}`);
    const viewer = await startViewer(this.screens[person]!, vv.text, dir);
    this.viewers.push(viewer);
    await viewer.sees();
    return { viewer, session: this.desk.lab.kerbside.sessionId(vv) };
  }

  async tidy(): Promise<void> {
    await Promise.all(this.viewers.splice(0).map((viewer) => viewer.stop()));
  }

  async stop(): Promise<void> {
    await this.tidy();
    await this.screens[1]!.stop();
    await this.desk.stop();
  }
}

async function seesTyped(viewer: Viewer, text: string): Promise<void> {
  const expected = scancodesOf(text).join();
  await viewer.sees(({ state }) => state.scancodes.join().endsWith(expected), 30_000);
}

describe('a desktop that is shared', () => {
  let people: TwoPeople;
  beforeAll(async () => {
    people = await TwoPeople.at('share', { SPICE_DEBUG_ALLOW_MC: '1' });
  });
  afterEach(() => people.tidy());
  afterAll(() => people.stop());

  it('is seen by both, and each sees what the other types', async () => {
    const [first, second] = [await people.open(0), await people.open(1)];
    await first.viewer.type('spice');
    await seesTyped(first.viewer, 'spice');
    await seesTyped(second.viewer, 'spice');
    await second.viewer.type('kvm');
    await seesTyped(second.viewer, 'kvm');
    await seesTyped(first.viewer, 'kvm');
    const sessions = Object.keys(await people.desk.lab.kerbside.sessions());
    expect(sessions.sort()).toEqual([first.session, second.session].sort());
    // One goes, and the other stays.
    await first.viewer.stop();
    await second.viewer.type('go');
    await seesTyped(second.viewer, 'go');
  });
});

describe('a desktop that is not shared', () => {
  let people: TwoPeople;
  beforeAll(async () => {
    people = await TwoPeople.at('replace', {});
  });
  afterAll(() => people.stop());

  it('goes over to the second person, and the first one is told to whom in the records', async () => {
    const first = await people.open(0);
    const second = await people.open(1);
    const { kerbside } = people.desk.lab;
    await waitFor('the end of the first session', async () => !(await kerbside.sessions())[first.session]);
    expect(await kerbside.audit(SOURCE, CONSOLE)).toContain('Session replaced by demo');
    const { body } = await kerbside.api('GET', `/v1/connections?session_id=${first.session}`);
    const { connections } = JSON.parse(body) as { connections: { reason: string }[] };
    expect(new Set(connections.map(({ reason }) => reason))).toEqual(new Set(['replaced']));
    await second.viewer.type('mine');
    await seesTyped(second.viewer, 'mine');
  });
});
