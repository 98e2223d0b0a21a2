// SPDX-License-Identifier: Apache-2.0
// The stage of the display channel between a server that counts and a client that acknowledges, in simulated time.
import { describe, expect, it } from '@jest/globals';
import { SERVER_MESSAGE } from '../../../../src/console/spice/message-types.js';
import { CLIENT_MESSAGE } from '../../../../src/console/spice/message-types.js';
import { drawCopy, words } from '../../../fixtures/display-bodies.js';
import { PacedDisplay, type Manners } from '../../../fixtures/paced-display.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const DRAW_COPY = SERVER_MESSAGE.display.DRAW_COPY;
const { SET_ACK, PING } = SERVER_MESSAGE.common;
const UP = CLIENT_MESSAGE.common;
const COLUMN_BYTES = 46_000;

/** A draw of `bytes` with an image of no dependence. */
function draw(left: number, top: number, right: number, bottom: number, bytes: number): Buffer {
  const imageData = Buffer.alloc(Math.max(4, bytes));
  imageData.writeUInt32LE(imageData.length - 4, 0);
  return drawCopy({ box: [left, top, right, bottom], imageData }).bytes;
}

/** Twenty columns, each drawn anew thirty times a second: of those that wait in the server, the newest replaces the older. */
function animate(scene: PacedDisplay): void {
  const drawnAt = Array.from({ length: 20 }, () => -Infinity);
  let next = 0;
  scene.source = () => {
    const column = next % 20;
    if (scene.clock.now() - (drawnAt[column] ?? 0) < 33) return null;
    next += 1;
    drawnAt[column] = scene.clock.now();
    return draw(column * 32, 0, column * 32 + 32, 480, COLUMN_BYTES);
  };
  const frame = (): void => {
    scene.feed();
    scene.clock.after(2, frame);
  };
  frame();
}

/** The answer to a key: a small draw beside the animation. */
const answer = draw(800, 600, 896, 696, 9000);

function ping(id: number): Buffer {
  return encodeMessage(PING, Buffer.concat([words(id), Buffer.alloc(8, id)]), { miniHeader: true });
}

describe('a paced display', () => {
  it('is drawn soon after a key, although more is drawn than the link carries', () => {
    const scene = new PacedDisplay();
    animate(scene);
    scene.run(5000);
    const waits: number[] = [];
    for (let press = 0; press < 10; press += 1) {
      const pressedAt = scene.clock.now();
      scene.press();
      scene.run(45);
      scene.waiting.push(answer);
      scene.run(1500 + 77 * press);
      const drawn = scene.got.find(({ at, body }) => at > pressedAt && body.length === answer.length - 6);
      waits.push((drawn?.at ?? Infinity) - pressedAt);
    }
    waits.sort((a, b) => a - b);
    expect(waits[5]).toBeLessThan(260);
    expect(waits[9]).toBeLessThan(500);
    expect(scene.pacer.figures.keyToDrawMs).toBeLessThan(500);
    expect(scene.wedged).toBe(false);
    const before = scene.link.delivered;
    scene.run(5000);
    expect(scene.link.delivered - before).toBeGreaterThan(0.9 * 1250 * 5000);
  });

  it('has each message of the server in its place: one for one', () => {
    const scene = new PacedDisplay();
    const messages = Array.from({ length: 200 }, (_none, index) =>
      draw(index % 50, 0, (index % 50) + 1, 10, 3000),
    );
    scene.send(...messages);
    scene.run(20_000);
    expect(scene.got).toHaveLength(scene.sentMessages);
    expect(scene.got[0]?.type).toBe(SET_ACK);
    expect(scene.got[0]?.body.readUInt32LE(4)).toBe(1);
    expect(scene.wedged).toBe(false);
  });

  it('asks the server for images that do not need each other, right behind the INIT', () => {
    const scene = new PacedDisplay();
    scene.run(1000);
    const types = scene.heard.map(({ type }) => type);
    const init = types.indexOf(CLIENT_MESSAGE.display.INIT);
    expect(types[init + 1]).toBe(CLIENT_MESSAGE.display.PREFERRED_COMPRESSION);
    expect(scene.heard[init + 1]?.body).toEqual(Buffer.of(3));
  });

  it.each<Manners>(['gtk', 'eager', 'silent', 'doubled', 'liar', 'stubborn'])(
    'never acknowledges too early for a client that is %s, and holds no more than it may',
    (manners) => {
      const scene = new PacedDisplay({ manners });
      animate(scene);
      for (let step = 0; step < 300; step += 1) {
        scene.run(100);
        expect(scene.stage.figures.queueBytes).toBeLessThan(4_194_304 + 2 * 65_536);
        // By another window than the server's its ACKs would be wrong without a proxy too.
        if (step % 50 === 49 && manners !== 'stubborn') scene.setAck(step % 100 === 49 ? 40 : 20);
      }
      expect(scene.wedged).toBe(false);
      expect(scene.faults).toEqual([]);
      if (manners === 'gtk' || manners === 'eager')
        expect(scene.link.delivered).toBeGreaterThan(0.85 * 1250 * 30_000);
    },
  );

  it('carries a draw of 16 MB in pieces, and does not hold it', () => {
    const scene = new PacedDisplay({ shape: { rate: 12_500, rtt: 20 } });
    const large = draw(0, 0, 2048, 2048, 16_000_000);
    scene.send(draw(0, 0, 10, 10, 100), large, draw(0, 0, 10, 10, 200));
    for (let step = 0; step < 40; step += 1) {
      scene.run(100);
      expect(scene.stage.figures.queueBytes).toBeLessThan(4_194_304 + 2 * 65_536);
    }
    expect(scene.got.map(({ type }) => type)).toEqual([SET_ACK, DRAW_COPY, DRAW_COPY, DRAW_COPY]);
    expect(Buffer.compare(scene.got[2]?.body ?? Buffer.alloc(0), large.subarray(6))).toBe(0);
  });

  it('goes on after a client that has not read for ten seconds', () => {
    const scene = new PacedDisplay();
    animate(scene);
    scene.run(3000);
    scene.clientReads = false;
    scene.run(10_000);
    expect(scene.stage.figures.queueBytes).toBeLessThanOrEqual(4_194_304);
    scene.resume();
    const before = scene.link.delivered;
    scene.run(5000);
    expect(scene.link.delivered - before).toBeGreaterThan(0.7 * 1250 * 5000);
  });

  it('writes what waits when the channel ends', () => {
    const scene = new PacedDisplay({ shape: { rate: 100 } });
    scene.send(...Array.from({ length: 30 }, (_none, index) => draw(index, 0, index + 1, 10, 10_000)));
    scene.run(200);
    scene.end();
    scene.run(60_000);
    expect(scene.got).toHaveLength(scene.sentMessages);
  });
});

describe('a display in the mode auto', () => {
  const LAN = { shape: { rate: 125_000, rtt: 1 }, pacing: { mode: 'auto' } } as const;

  it("is plain on a short link: the client has the server's window", () => {
    const scene = new PacedDisplay(LAN);
    scene.send(...Array.from({ length: 300 }, (_none, index) => draw(index, 0, index + 1, 10, 10_000)));
    scene.run(2000);
    expect(scene.stage.figures.paced).toBe(false);
    expect(scene.got[0]?.body.readUInt32LE(4)).toBe(20);
    expect(scene.got).toHaveLength(301);
    expect(scene.heard.filter(({ type }) => type === UP.ACK)).toHaveLength(15);
  });

  it('is paced from the start where the link is long', () => {
    const scene = new PacedDisplay({ pacing: { mode: 'auto' } });
    scene.run(500);
    expect(scene.stage.figures.paced).toBe(true);
  });

  it('is taken over when it is congested and given back when it is quiet, with no message too many or too few', () => {
    const scene = new PacedDisplay(LAN);
    scene.link.shape.rate = 1250;
    animate(scene);
    scene.run(3000);
    expect(scene.stage.figures.paced).toBe(true);
    scene.link.shape.rate = 125_000;
    scene.source = () => null;
    for (let at = 0; at < 40; at += 1) {
      scene.send(ping(at));
      scene.run(1000);
    }
    expect(scene.stage.figures.paced).toBe(false);
    expect(scene.got).toHaveLength(scene.sentMessages);
    expect(scene.got.at(-1)?.type).toBe(PING);
    expect(scene.heard.filter(({ type }) => type === UP.PONG)).toHaveLength(40);
    scene.send(...Array.from({ length: 300 }, (_none, index) => draw(index, 0, index + 1, 10, 10_000)));
    scene.run(3000);
    expect(scene.got).toHaveLength(scene.sentMessages);
    expect(scene.wedged).toBe(false);
  });

  it('goes back and forth for as long as it likes', () => {
    const scene = new PacedDisplay(LAN);
    for (let round = 0; round < 4; round += 1) {
      scene.link.shape.rate = 1250;
      animate(scene);
      scene.run(2000);
      expect(scene.stage.figures.paced).toBe(true);
      scene.link.shape.rate = 125_000;
      scene.source = () => null;
      for (let at = 0; at < 180 && scene.stage.figures.paced; at += 1) {
        scene.send(ping(at));
        scene.run(1000);
      }
      expect(scene.stage.figures.paced).toBe(false);
      scene.run(100);
      expect(scene.got).toHaveLength(scene.sentMessages);
    }
    expect(scene.wedged).toBe(false);
    expect(scene.faults).toEqual([]);
  });
});
