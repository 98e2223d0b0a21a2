// SPDX-License-Identifier: Apache-2.0
// Turns that events bring about: soon, together, and not without a pause.
import { describe, expect, it } from '@jest/globals';
import { EventTurns } from '../../../src/conductor/event-turns.js';
import { ManualTimers } from '../../fixtures/manual-timers.js';

class Scene {
  readonly timers = new ManualTimers();
  turns = 0;
  changed: () => void = () => undefined;
  finish: () => void = () => undefined;
  watched = true;
  readonly events: EventTurns;

  constructor() {
    const watch = (changed: () => void, signal: AbortSignal): Promise<void> => {
      this.changed = changed;
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          this.watched = false;
          resolve();
        }),
      );
    };
    const turn = (): Promise<void> => {
      this.turns += 1;
      return new Promise((resolve) => (this.finish = resolve));
    };
    this.events = new EventTurns(watch, turn, this.timers);
  }

  async ended(): Promise<void> {
    this.finish();
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe('turns that events bring about', () => {
  it('are one for all events that come together', async () => {
    const scene = new Scene();
    scene.changed();
    scene.changed();
    expect(scene.turns).toBe(0);
    await scene.timers.pass(50);
    expect(scene.turns).toBe(1);
  });

  it('come after a pause when events come while one is under way', async () => {
    const scene = new Scene();
    scene.changed();
    await scene.timers.pass(50);
    scene.changed();
    await scene.timers.pass(5000);
    expect(scene.turns).toBe(1);
    await scene.ended();
    await scene.timers.pass(499);
    expect(scene.turns).toBe(1);
    await scene.timers.pass(1);
    expect(scene.turns).toBe(2);
  });

  it('come no more once they are closed', async () => {
    const scene = new Scene();
    scene.changed();
    await scene.events.close();
    expect(scene.watched).toBe(false);
    scene.changed();
    await scene.timers.pass(5000);
    expect(scene.turns).toBe(0);
  });
});
