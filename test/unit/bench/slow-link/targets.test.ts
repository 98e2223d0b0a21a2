// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from '@jest/globals';
import { rstReport, textReport } from '../../../bench/slow-link/report.js';
import { summarise } from '../../../bench/slow-link/summary.js';
import { type Verdict, verdicts } from '../../../bench/slow-link/targets.js';
import type { Seen, Trial } from '../../../bench/slow-link/trial.js';

function seen(latencies_ms: number[], changes: Partial<Seen> = {}): Seen {
  return {
    ...{ presses: latencies_ms.length, timeouts: 0, p50_ms: 0, p95_ms: 0, max_ms: 0, seconds: 10 },
    ...{
      display_bytes: 12e6,
      mbit: 9.6,
      frames: 13,
      fps: 1.3,
      gap_p50_ms: 700,
      gap_p95_ms: 800,
      gap_max_ms: 900,
    },
    ...{ ready_ms: 4000, settle_ms: 1000, looks: 100, blocks: 960_000 },
    ...{ wrong: 0, older: 0, torn: 3, mixed: 0, widest: 1, latencies_ms },
    ...changes,
  };
}

function trial(configuration: string, one: Seen | null, changes: Partial<Trial> = {}): Trial {
  return {
    ...{
      link: '80:10',
      activity: '8',
      guest: 'std',
      configuration,
      repeat: 0,
      at: '2026-11-29T00:00:00Z',
      load: 1,
    },
    ...{ seen: one, error: null, different_pixels: 0, cpu_seconds: 1, peak_rss_kib: 102_400 },
    ...{ link_dropped: 0, link_lost: 0, complaints: [], metrics: {} },
    ...changes,
  };
}

const RELAY = trial('relay', seen([2000, 2400, 2800]));

function judge(...trials: Trial[]): Verdict[] {
  return verdicts(summarise([RELAY, ...trials]));
}

function met(found: readonly Verdict[], text: string): boolean[] {
  return found.filter(({ label }) => label.includes(text)).map((one) => one.met);
}

describe('the targets of pacing', () => {
  test('are met by what is fast enough, as full and as right as the relay', () => {
    expect(judge(trial('on', seen([150, 190, 300]))).every((one) => one.met)).toBe(true);
  });

  test('are not expected of the baselines', () => {
    expect(judge(trial('direct', seen([600])))).toEqual([]);
  });

  test('are a limit and a factor at 80 ms and 10 Mbit/s', () => {
    const found = judge(trial('on', seen([210])));
    expect(met(found, '80:10 8, on: p50 of key to draw')).toEqual([false, false]);
  });

  test('pool the presses of all repeats', () => {
    const found = judge(trial('on', seen([100, 100])), trial('on', seen([500]), { repeat: 1 }));
    expect(found[0]?.reached).toBe('100 ms');
  });

  test('count bytes where the relay leaves frames out', () => {
    expect(met(judge(trial('on', seen([150], { mbit: 9 }))), 'Mbit/s')).toEqual([false]);
  });

  test('count frames where it leaves none out', () => {
    const relay = trial('relay', seen([100], { fps: 30, mbit: 20 }));
    const found = verdicts(summarise([relay, trial('on', seen([100], { fps: 30, mbit: 5 }))]));
    expect(met(found, 'frames')).toEqual([true]);
  });

  test('are missed by a press that was never drawn', () => {
    const found = judge(trial('on', seen([150], { timeouts: 1 })));
    expect(met(found, "against the relay's")).toContain(false);
  });

  test.each([
    ['a wrong block', seen([150], { wrong: 1 })],
    ['an older block', seen([150], { older: 1 })],
    ['no look at all', seen([150], { looks: 0 })],
  ])('are missed by %s', (_, one) => {
    expect(met(judge(trial('on', one)), 'blocks')).toEqual([false]);
  });

  test('are missed by a picture that differs, unless the server made it so', () => {
    const differing = { different_pixels: 7 };
    expect(met(judge(trial('on', seen([150]), differing)), 'pixels')).toEqual([false]);
    const video = { ...differing, guest: 'video' };
    expect(met(judge(trial('on', seen([150]), video)), 'pixels')).toEqual([]);
  });

  test('are missed by a trial that failed', () => {
    const failed = trial('on', null, { error: 'no picture', different_pixels: null });
    expect(met(judge(failed), 'without a fault')).toEqual([false]);
  });
});

describe('the tables', () => {
  const cases = summarise([trial('on', seen([200])), RELAY]);

  test('show the relay first, and ratios to it', () => {
    const lines = textReport(cases, false).split('\n');
    expect(lines.slice(2).map((line) => line.split(/\s{2,}/).slice(0, 4))).toEqual([
      ['relay', '2400', '2800', '1.0x'],
      ['on', '200', '200', '12.0x'],
    ]);
  });

  test('name in the page what was missed', () => {
    const missed = summarise([trial('on', seen([200], { wrong: 2 })), RELAY]);
    expect(rstReport(missed, 'intro')).toContain('blocks that the server never had');
    expect(rstReport(cases, 'intro')).not.toContain('missed');
  });
});
