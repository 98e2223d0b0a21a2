// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { OpenScreens, type OpenScreen } from '../../../../src/console/message-screen/open-screens.js';
import type { ScreenEvent } from '../../../../src/console/ipc.js';

class Screen implements OpenScreen {
  readonly events: ScreenEvent[] = [];
  ended = 0;

  constructor(readonly name: OpenScreen['name']) {}

  event(event: ScreenEvent): void {
    this.events.push(event);
  }

  end(): void {
    this.ended += 1;
  }
}

const NAME = { sessionId: 's', connectionId: 7 };

describe('OpenScreens', () => {
  it('has room up to its limit', () => {
    const screens = new OpenScreens(2, () => undefined);
    const remove = screens.add(new Screen(NAME));
    expect(screens.hasRoom).toBe(true);
    screens.add(new Screen(NAME));
    expect(screens.hasRoom).toBe(false);
    remove();
    expect(screens.hasRoom).toBe(true);
  });

  it('gives an event to the channels of its screen, and to no other', () => {
    const screens = new OpenScreens(9, () => undefined);
    const own = [new Screen({ ...NAME }), new Screen({ ...NAME })];
    const others = [new Screen({ ...NAME, sessionId: 't' }), new Screen({ ...NAME, connectionId: 8 })];
    for (const screen of [...own, ...others]) screens.add(screen);
    screens.receive(NAME, { kind: 'key' });
    expect(own.map(({ events }) => events)).toEqual([[{ kind: 'key' }], [{ kind: 'key' }]]);
    expect(others.map(({ events }) => events)).toEqual([[], []]);
  });

  it('announces, and hears of it as all workers do', () => {
    const told: unknown[] = [];
    const screens = new OpenScreens(9, (...what) => told.push(what));
    const screen = new Screen(NAME);
    screens.add(screen);
    screens.tell(NAME, { kind: 'size', width: 800, height: 600 });
    expect(told).toEqual([[NAME, { kind: 'size', width: 800, height: 600 }]]);
    expect(screen.events).toEqual([]);
  });

  it('ends all', () => {
    const screens = new OpenScreens(9, () => undefined);
    const screen = new Screen(NAME);
    screens.add(screen);
    screens.endAll();
    expect(screen.ended).toBe(1);
  });
});
