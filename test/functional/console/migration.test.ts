// SPDX-License-Identifier: Apache-2.0
// Live migrations through Kerbside, with two hypervisors that speak the wire: the client is sent to Kerbside, and never learns
// where the guest is.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { LINK_ERR } from '../../../src/console/spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { HYPERVISOR, Site, type Desk, type Guest } from '../../fixtures/kerbside.js';
import { placeBody, placeIn, type Place } from '../../fixtures/migration-bodies.js';
import { waitFor } from '../../fixtures/program.js';
import type { ClientChannel } from '../../fixtures/spice-client.js';
import type { ServerChannel } from '../../fixtures/spice-server-channel.js';
import type { SpiceServer } from '../../fixtures/spice-server.js';

const { main: MAIN, common: COMMON } = SERVER_MESSAGE;
const { main: UP, common: COMMON_UP, inputs: INPUTS } = CLIENT_MESSAGE;
/** How clients know Kerbside, in no way like a hypervisor. */
const PUBLIC = 'spice.example.com';
const KEY = Buffer.from([0x1e, 0x9e]);

let site: Site;

/** A desk, a client with a main channel, and a hypervisor that the guest goes to. */
interface Move {
  readonly desk: Desk;
  readonly destination: SpiceServer;
  readonly client: Guest;
  readonly main: ClientChannel;
  readonly source: ServerChannel;
  readonly place: Place;
}

async function aMove(place: Partial<Place> = {}, destination?: SpiceServer): Promise<Move> {
  const desk = await site.desk();
  const there = destination ?? (await site.hypervisor());
  const client = await site.client(desk.uuid, { keepRaw: true, channelCaps: [0xf] });
  const main = await client.openMain();
  const source = await desk.server.channel('main');
  const port = there.plainPort === 0 ? 65_535 : there.plainPort;
  return {
    ...{ desk, destination: there, client, main, source },
    place: { host: '127.0.0.1', port, tlsPort: there.tlsPort || 65_535, subject: '', ...place },
  };
}

/** Whom clients are sent to. */
function kerbside(): Place {
  const { secure } = site.kerbside.ports;
  return { host: PUBLIC, port: 0, tlsPort: secure, subject: site.hostSubject };
}

function outcome(mode: string, word: string): string {
  return `kerbside_proxy_migrations_total{mode="${mode}",outcome="${word}"}`;
}

/** No byte that a client got names a hypervisor. */
function expectNoNames({ client }: Move): void {
  const bytes = Buffer.concat(client.channels.map((channel) => channel.raw)).toString('latin1');
  expect(bytes.length).toBeGreaterThan(0);
  expect(bytes).not.toContain('127.0.0.1');
  expect(bytes).not.toContain(HYPERVISOR);
}

describe('robust', () => {
  beforeAll(async () => {
    site = await Site.start({ OS_SPICE__PUBLIC_FQDN: PUBLIC });
  });
  afterEach(() => site.tidy());
  afterAll(() => site.stop());

  it.each([MAIN.MIGRATE_BEGIN, MAIN.MIGRATE_BEGIN_SEAMLESS])(
    'answers %i for the client, which never sees it',
    async (type) => {
      const { desk, main, source, place } = await aMove();
      source.send(type, placeBody(place, type === MAIN.MIGRATE_BEGIN ? undefined : 1));
      await source.waitFor(UP.MIGRATE_CONNECT_ERROR);
      source.send(MAIN.MULTI_MEDIA_TIME, Buffer.alloc(4));
      await main.waitFor(MAIN.MULTI_MEDIA_TIME);
      expect(main.messages.map((message) => message.type)).toEqual([MAIN.INIT, MAIN.MULTI_MEDIA_TIME]);
      await site.audited(desk.uuid, `Migration message ${String(type)} withheld`);
    },
  );

  it('takes the client to the destination, and the console from then on', async () => {
    const move = await aMove({ subject: '' });
    const { desk, destination, client, main, source, place } = move;
    const before = await site.metric(outcome('robust', 'completed'));
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    const told = await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    expect(placeIn(told.body)).toEqual(kerbside());
    await main.close();
    const next = await client.openMain();
    const inputs = await client.open('inputs');
    inputs.send(INPUTS.KEY_SCANCODE, KEY);
    const typed = await (await destination.channel('inputs')).waitFor(INPUTS.KEY_SCANCODE);
    expect(typed.body).toEqual(KEY);
    expect((await destination.channel('main')).facts.ticket).toBe('s3cret');
    expect(next.linked).toBe(true);
    expect(await site.metric(outcome('robust', 'completed'))).toBe(before + 1);
    await site.audited(desk.uuid, 'Migration completed');
    await site.audited(desk.uuid, 'Console configuration changed');
    expectNoNames(move);
    await client.close();
    // A new session of the console begins where the guest is.
    const other = await site.client(desk.uuid);
    const links = destination.channels.length;
    await other.openMain();
    expect(destination.channels.length).toBe(links + 1);
    await other.close();
    // Until sources.yaml says otherwise.
    await site.change(desk.uuid, { insecure_port: desk.server.plainPort, name: 'moved back' });
    await waitFor('the console where it was', async () => {
      const audit = await site.auditOf(desk.uuid);
      return audit.filter((message) => message.startsWith('Console configuration changed')).length === 2;
    });
    const back = await site.client(desk.uuid);
    const sourceLinks = desk.server.channels.length;
    await back.openMain();
    expect(desk.server.channels.length).toBe(sourceLinks + 1);
  });

  it('lets the client back in once, also before its old main channel has ended', async () => {
    const { destination, client, main, source, place } = await aMove();
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    await client.openMain();
    await destination.channel('main');
    expect((await main.closed).how).toBe('end');
    const again = await client.link('main', 0, { connectionId: 0 });
    expect(again.outcome).toMatchObject({ type: 'result', code: LINK_ERR.PERMISSION_DENIED });
  });

  it.each([
    ['198.51.100.7', 'no hypervisor'],
    ['nowhere.invalid', 'does not resolve'],
  ])('does not follow a guest to %s, and ends the session', async (host, why) => {
    const { desk, main, source, place } = await aMove({ host });
    source.send(MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(place, 1));
    await source.waitFor(UP.MIGRATE_CONNECT_ERROR);
    source.send(MAIN.MULTI_MEDIA_TIME, Buffer.alloc(4));
    await main.waitFor(MAIN.MULTI_MEDIA_TIME);
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.closed;
    expect(main.bodies(MAIN.MIGRATE_SWITCH_HOST)).toEqual([]);
    expect(await site.audited(desk.uuid, 'Migration refused')).toContain(why);
    await site.audited(desk.uuid, 'Channel closed: migration refused');
    expect(await site.metric(outcome('robust', 'refused'))).toBeGreaterThan(0);
  });

  it('ends with a destination that has another certificate than its hypervisor says', async () => {
    const { ecdsa } = site.certificates;
    const tls = { cert: ecdsa.cert, key: ecdsa.key };
    const destination = await site.hypervisor({ plain: false, tls });
    const move = await aMove({ subject: 'O=lab,CN=somebody else' }, destination);
    const { desk, client, main, source, place } = move;
    const before = await site.metric(outcome('robust', 'failed'));
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    await main.close();
    const next = await client.link('main', 0, { connectionId: 0 });
    expect(next.linked).toBe(false);
    await site.audited(desk.uuid, 'Migration failed: backend failed');
    await site.audited(desk.uuid, 'certificate does not match the pinned host_subject');
    expect(await site.metric(outcome('robust', 'failed'))).toBe(before + 1);
  });

  it('ends with a destination that does not let the client in, and finds the guest there on a new try', async () => {
    const { desk, destination, client, main, source, place } = await aMove();
    destination.behaviour = { at: 'accept', act: 'close' };
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    await main.close();
    expect((await client.link('main', 0, { connectionId: 0 })).linked).toBe(false);
    await site.audited(desk.uuid, 'Migration failed: backend failed');
    await site.audited(desk.uuid, 'Console configuration changed');
    destination.behaviour = 'serve';
    // With the same .vv file, and with a new one.
    const links = desk.server.channels.length;
    await client.openMain();
    await destination.channel('main');
    await client.close();
    const other = await site.client(desk.uuid);
    await other.openMain();
    await destination.channel('main');
    expect(desk.server.channels).toHaveLength(links);
  });

  it('ends at a message that is no migration message', async () => {
    const { desk, main, source } = await aMove();
    source.send(MAIN.MIGRATE_SWITCH_HOST, Buffer.alloc(19));
    await main.closed;
    await site.audited(desk.uuid, 'Channel closed: backend broke the protocol');
  });

  it('lets no client link a main channel that nobody has announced', async () => {
    const { client, source, place } = await aMove();
    source.send(MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(place, 1));
    await source.waitFor(UP.MIGRATE_CONNECT_ERROR);
    const link = await client.link('main', 0, { connectionId: client.sessionId ?? 0 });
    expect(link.outcome).toMatchObject({ type: 'result', code: LINK_ERR.BAD_CONNECTION_ID });
  });
});

describe('off', () => {
  beforeAll(async () => {
    site = await Site.start({ OS_MIGRATION__MODE: 'off' });
  });
  afterEach(() => site.tidy());
  afterAll(() => site.stop());

  it('follows no guest, and ends the session when it has gone', async () => {
    const { desk, main, source, place } = await aMove();
    source.send(MAIN.MIGRATE_BEGIN, placeBody(place));
    await source.waitFor(UP.MIGRATE_CONNECT_ERROR);
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.closed;
    expect(main.messages.map((message) => message.type)).toEqual([MAIN.INIT]);
    await site.audited(desk.uuid, 'Channel closed: migration not followed');
  });
});

describe('seamless, with two relay workers', () => {
  beforeAll(async () => {
    site = await Site.start({
      ...{ OS_SPICE__PUBLIC_FQDN: PUBLIC, OS_MIGRATION__MODE: 'seamless', OS_SPICE__WORKERS: '2' },
    });
  });
  afterEach(() => site.tidy());
  afterAll(() => site.stop());

  /** A client that was told, and has its main channel and its inputs at both hypervisors. */
  async function aClientAtBoth(): Promise<
    Move & { inputs: ClientChannel; ahead: ClientChannel; inputsAhead: ClientChannel }
  > {
    const move = await aMove();
    const { desk, destination, client, main, source, place } = move;
    const inputs = await client.open('inputs');
    const id = client.sessionId ?? 0;
    source.send(MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(place, 1));
    const told = await main.waitFor(MAIN.MIGRATE_BEGIN_SEAMLESS);
    expect(placeIn(told.body)).toEqual(kerbside());
    expect(told.body.readUInt32LE(20)).toBe(1);
    const ahead = await client.link('main', 0, { connectionId: id });
    expect(ahead.outcome).toMatchObject({ type: 'linked' });
    const atDestination = await destination.channel('main');
    // Under the session id of the source, which is not the client's.
    expect(atDestination.facts.mess.connectionId).toBe(source.facts.sessionId);
    ahead.send(UP.MIGRATE_DST_DO_SEAMLESS, Buffer.from([1, 0, 0, 0]));
    await atDestination.waitFor(UP.MIGRATE_DST_DO_SEAMLESS);
    atDestination.send(MAIN.MIGRATE_DST_SEAMLESS_ACK);
    await ahead.waitFor(MAIN.MIGRATE_DST_SEAMLESS_ACK);
    const inputsAhead = await client.open('inputs');
    await destination.channel('inputs');
    main.send(UP.MIGRATE_CONNECTED_SEAMLESS);
    await source.waitFor(UP.MIGRATE_CONNECTED_SEAMLESS);
    expect(desk.server.open.map(({ name }) => name).sort()).toEqual(['inputs', 'main']);
    return { ...move, inputs, ahead, inputsAhead };
  }

  /** One channel goes over, as spice-gtk does it. */
  async function goOver(
    from: ClientChannel,
    to: ClientChannel,
    at: ServerChannel,
    state: Buffer,
  ): Promise<void> {
    at.send(COMMON.MIGRATE, Buffer.from([3, 0, 0, 0]));
    await from.waitFor(COMMON.MIGRATE);
    from.send(COMMON_UP.MIGRATE_FLUSH_MARK);
    await at.waitFor(COMMON_UP.MIGRATE_FLUSH_MARK);
    at.send(COMMON.MIGRATE_DATA, state);
    const data = await from.waitFor(COMMON.MIGRATE_DATA);
    to.send(COMMON_UP.MIGRATE_DATA, data.body);
    await from.close();
  }

  it('carries the client over with its state, and the source hears at once that it has gone', async () => {
    const move = await aClientAtBoth();
    const { desk, destination, client, main, source, ahead, inputs, inputsAhead } = move;
    const before = await site.metric(outcome('seamless', 'completed'));
    const state = [Buffer.alloc(65, 7), Buffer.alloc(10, 8)] as const;
    await goOver(inputs, inputsAhead, await desk.server.channel('inputs'), state[1]);
    await goOver(main, ahead, source, state[0]);
    await source.closed;
    await waitFor('an empty source', () => desk.server.open.length === 0);
    const atInputs = await destination.channel('inputs');
    expect((await atInputs.waitFor(COMMON_UP.MIGRATE_DATA)).body).toEqual(state[1]);
    const atMain = await destination.channel('main');
    expect((await atMain.waitFor(COMMON_UP.MIGRATE_DATA)).body).toEqual(state[0]);
    inputsAhead.send(INPUTS.KEY_SCANCODE, KEY);
    await (await destination.channel('inputs')).waitFor(INPUTS.KEY_SCANCODE);
    // A channel that is opened later leads there, too.
    await client.open('cursor');
    await destination.channel('cursor');
    expect(await site.metric(outcome('seamless', 'completed'))).toBe(before + 1);
    await site.audited(desk.uuid, 'Migration completed');
    expectNoNames(move);
    // The link is of no use a second time.
    const replay = await client.link('main', 0, { connectionId: client.sessionId ?? 0 });
    expect(replay.outcome).toMatchObject({ type: 'result', code: LINK_ERR.BAD_CONNECTION_ID });
  });

  it('refuses a second link to the destination while the first lives', async () => {
    const { client } = await aClientAtBoth();
    const replay = await client.link('main', 0, { connectionId: client.sessionId ?? 0 });
    expect(replay.outcome).toMatchObject({ type: 'result', code: LINK_ERR.BAD_CONNECTION_ID });
  });

  it('closes the channels to the destination at once when the hypervisor cancels, and goes on', async () => {
    const { desk, client, main, source, ahead, inputs, inputsAhead, place } = await aClientAtBoth();
    source.send(MAIN.MIGRATE_CANCEL);
    await main.waitFor(MAIN.MIGRATE_CANCEL);
    await Promise.all([ahead.closed, inputsAhead.closed]);
    await site.audited(desk.uuid, 'Migration cancelled by the hypervisor');
    inputs.send(INPUTS.KEY_SCANCODE, KEY);
    await (await desk.server.channel('inputs')).waitFor(INPUTS.KEY_SCANCODE);
    const stale = await client.link('main', 0, { connectionId: client.sessionId ?? 0 });
    expect(stale.linked).toBe(false);
    // What is opened now leads to the source again, and the next migration is another one.
    await client.open('cursor');
    await desk.server.channel('cursor');
    source.send(MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(place, 1));
    await waitFor('the second announcement', () => main.bodies(MAIN.MIGRATE_BEGIN_SEAMLESS).length === 2);
    const next = await client.link('main', 0, { connectionId: client.sessionId ?? 0 });
    expect(next.linked).toBe(true);
  });

  /** A client that was told, and has a main channel at the destination that owes it an answer. */
  async function aClientOnItsWay(): Promise<Move & { inputs: ClientChannel; ahead: ClientChannel }> {
    const move = await aMove();
    const { destination, client, main, source, place } = move;
    const inputs = await client.open('inputs');
    source.send(MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(place, 1));
    await main.waitFor(MAIN.MIGRATE_BEGIN_SEAMLESS);
    const ahead = await client.link('main', 0, { connectionId: client.sessionId ?? 0 });
    ahead.send(UP.MIGRATE_DST_DO_SEAMLESS, Buffer.from([1, 0, 0, 0]));
    await (await destination.channel('main')).waitFor(UP.MIGRATE_DST_DO_SEAMLESS);
    return { ...move, inputs, ahead };
  }

  const FAULTS: readonly (readonly [string, (move: Move) => unknown])[] = [
    ['refuses connections', ({ destination }) => void destination.stopListening()],
    ['closes connections', ({ destination }) => (destination.behaviour = { at: 'accept', act: 'close' })],
    ['refuses the ticket', ({ destination }) => (destination.password = 'another')],
    ['does not answer', ({ destination }) => (destination.behaviour = { at: 'mess', act: 'hang' })],
    ['ends what is linked', ({ destination }) => (destination.behaviour = { at: 'linked', act: 'close' })],
    ['goes away', async ({ destination }) => destination.close()],
  ];

  it.each(FAULTS)('keeps the client at the source when the destination %s', async (_how, fail) => {
    const move = await aClientOnItsWay();
    const { desk, client, main, source, ahead, inputs } = move;
    const id = client.sessionId ?? 0;
    const failed = await site.metric(outcome('seamless', 'failed'));
    await fail(move);
    // A client that learns of more than one of them is lost.
    const links = await Promise.all([
      client.link('display', 0, { connectionId: id }),
      client.link('inputs', 0, { connectionId: id }),
    ]);
    await ahead.waitFor(MAIN.MIGRATE_DST_SEAMLESS_NACK);
    links.push(await client.link('cursor', 0, { connectionId: id }));
    expect(links.map((link) => link.outcome.type)).toEqual(['linked', 'linked', 'linked']);
    expect([ahead, ...links].map(({ closeReason }) => closeReason)).toEqual([null, null, null, null]);
    main.send(UP.MIGRATE_CONNECTED);
    await main.waitFor(MAIN.MIGRATE_CANCEL);
    await source.waitFor(UP.MIGRATE_CONNECT_ERROR);
    expect(source.bodies(UP.MIGRATE_CONNECTED)).toEqual([]);
    await Promise.all([ahead, ...links].map((channel) => channel.close()));
    expect(await site.metric(outcome('seamless', 'failed'))).toBe(failed + 1);
    await site.audited(desk.uuid, 'Migration given up');
    inputs.send(INPUTS.KEY_SCANCODE, KEY);
    await (await desk.server.channel('inputs')).waitFor(INPUTS.KEY_SCANCODE);
    // What is opened now leads to the source again.
    await client.open('cursor');
    await desk.server.channel('cursor');
    expectNoNames(move);
  });

  it('takes the client to a destination that has failed it before, when the guest has moved', async () => {
    const { destination, client, main, source, ahead, place } = await aClientOnItsWay();
    destination.behaviour = { at: 'accept', act: 'close' };
    const inputsAhead = await client.link('inputs', 0, { connectionId: client.sessionId ?? 0 });
    await ahead.waitFor(MAIN.MIGRATE_DST_SEAMLESS_NACK);
    main.send(UP.MIGRATE_CONNECTED);
    await main.waitFor(MAIN.MIGRATE_CANCEL);
    await Promise.all([ahead.close(), inputsAhead.close()]);
    destination.behaviour = 'serve';
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    await main.close();
    await client.openMain();
    await client.open('inputs');
    await destination.channel('inputs');
  });

  it('takes the client over when the guest has moved before it knows that the destination has failed', async () => {
    const { destination, client, main, source, ahead, place } = await aClientOnItsWay();
    destination.behaviour = { at: 'accept', act: 'close' };
    const inputsAhead = await client.link('inputs', 0, { connectionId: client.sessionId ?? 0 });
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    expect(main.messages.map(({ type }) => type).slice(-2)).toEqual([
      ...[MAIN.MIGRATE_CANCEL, MAIN.MIGRATE_SWITCH_HOST],
    ]);
    const late = await client.link('display', 0, { connectionId: client.sessionId ?? 0 });
    expect(late.outcome).toMatchObject({ type: 'linked' });
    destination.behaviour = 'serve';
    await Promise.all([ahead, inputsAhead, late, main].map((channel) => channel.close()));
    await client.openMain();
    await client.open('inputs');
    await destination.channel('inputs');
  });

  it('leaves an overtaken destination at once, and the client its channels until it comes back', async () => {
    const { desk, destination, client, main, source, place } = await aMove();
    const overtaken = await site.metric(outcome('seamless', 'overtaken'));
    const id = client.sessionId ?? 0;
    source.send(MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(place, 1));
    await main.waitFor(MAIN.MIGRATE_BEGIN_SEAMLESS);
    const ahead = await client.link('main', 0, { connectionId: id });
    const atDestination = await destination.channel('main');
    ahead.send(UP.MIGRATE_DST_DO_SEAMLESS, Buffer.from([1, 0, 0, 0]));
    await atDestination.waitFor(UP.MIGRATE_DST_DO_SEAMLESS);
    const inputsAhead = await client.open('inputs');
    await destination.channel('inputs');
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    await waitFor('an empty destination', () => destination.open.length === 0);
    // Of the answer that the destination owes it; and what it opens still must open.
    await ahead.waitFor(MAIN.MIGRATE_DST_SEAMLESS_NACK);
    const late = await client.link('display', 0, { connectionId: id });
    expect(late.outcome).toMatchObject({ type: 'linked' });
    expect([ahead, inputsAhead, late].map(({ closeReason }) => closeReason)).toEqual([null, null, null]);
    expect(destination.open).toEqual([]);
    main.send(UP.MIGRATE_CONNECTED);
    expect(main.messages.map(({ type }) => type)).toEqual([
      ...[MAIN.INIT, MAIN.MIGRATE_BEGIN_SEAMLESS, MAIN.MIGRATE_CANCEL, MAIN.MIGRATE_SWITCH_HOST],
    ]);
    await Promise.all([ahead.close(), inputsAhead.close(), late.close(), main.close()]);
    await client.openMain();
    await client.open('display');
    await destination.channel('display');
    expect(source.bodies(UP.MIGRATE_CONNECTED)).toEqual([]);
    expect(await site.metric(outcome('seamless', 'overtaken'))).toBe(overtaken + 1);
    await site.audited(desk.uuid, 'the guest has moved before the client was ready');
    await site.audited(desk.uuid, 'Migration completed');
  });

  it('lets the only channel of an overtaken migration fail, which its client takes as an answer', async () => {
    const { client, main, source, place } = await aMove();
    source.send(MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(place, 1));
    await main.waitFor(MAIN.MIGRATE_BEGIN_SEAMLESS);
    source.send(MAIN.MIGRATE_SWITCH_HOST, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_SWITCH_HOST);
    const ahead = await client.link('main', 0, { connectionId: client.sessionId ?? 0 });
    expect(ahead.outcome).toMatchObject({ type: 'result', code: LINK_ERR.BAD_CONNECTION_ID });
  });

  it('gives up when the client cannot connect', async () => {
    const { desk, main, source, place } = await aMove();
    source.send(MAIN.MIGRATE_BEGIN, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_BEGIN);
    main.send(UP.MIGRATE_CONNECT_ERROR);
    await source.waitFor(UP.MIGRATE_CONNECT_ERROR);
    await site.audited(desk.uuid, 'Migration given up');
  });

  it('goes the semi-seamless way with its new MAIN_INIT', async () => {
    const { destination, client, main, source, place } = await aMove();
    source.send(MAIN.MIGRATE_BEGIN, placeBody(place));
    await main.waitFor(MAIN.MIGRATE_BEGIN);
    const ahead = await client.link('main', 0, { connectionId: client.sessionId ?? 0 });
    const there = await destination.channel('main');
    main.send(UP.MIGRATE_CONNECTED);
    await source.waitFor(UP.MIGRATE_CONNECTED);
    source.send(MAIN.MIGRATE_END);
    await main.waitFor(MAIN.MIGRATE_END);
    ahead.send(UP.MIGRATE_END);
    await there.waitFor(UP.MIGRATE_END);
    await main.close();
    const init = Buffer.alloc(32);
    init.writeUInt32LE(source.facts.sessionId, 0);
    there.send(MAIN.INIT, init);
    const shown = await ahead.waitFor(MAIN.INIT);
    expect(shown.body.readUInt32LE(0)).toBe(client.sessionId);
    await client.open('display');
    await destination.channel('display');
  });

  it('keeps state that belongs to no migration from the hypervisor', async () => {
    const { desk, main } = await aMove();
    main.send(COMMON_UP.MIGRATE_DATA, Buffer.alloc(65));
    await main.closed;
    await site.audited(desk.uuid, 'migrate_data (enforced=1');
  });
});
