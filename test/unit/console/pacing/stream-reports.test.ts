// SPDX-License-Identifier: Apache-2.0
// Reports of a client with the frames in them that never reached it, and reports that must stay as they are.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { StreamReports } from '../../../../src/console/pacing/stream-reports.js';
import { displayMessage, streamCreate, wordsMessage } from '../../../fixtures/display-bodies.js';

const STREAM = 3;
const UNIQUE = 9;

/** A STREAM_REPORT: received and late frames up to a time. */
function report(end: number, frames: number, drops: number, unique = UNIQUE): Buffer {
  return wordsMessage(102, STREAM, unique, end - 50, end, frames, drops, 20, 0).body;
}

let reports: StreamReports;

beforeEach(() => {
  reports = new StreamReports();
  reports.note(wordsMessage(319, STREAM, UNIQUE, 5, 1000));
});

it('adds dropped frames once, to the report that covers their time', () => {
  for (const time of [10, 20, 30, 90]) reports.dropped(STREAM, time);
  expect(reports.amend(report(30, 5, 1))).toEqual(report(30, 8, 4));
  expect(reports.amend(report(60, 5, 1))).toEqual(report(60, 5, 1));
  expect(reports.amend(report(99, 1, 0))).toEqual(report(99, 2, 1));
});

it('leaves the bytes of the client alone', () => {
  reports.dropped(STREAM, 10);
  const body = report(30, 5, 1);
  reports.amend(body);
  expect(body).toEqual(report(30, 5, 1));
});

it('goes with the clock over its end', () => {
  reports.dropped(STREAM, 0xfffffff0);
  reports.dropped(STREAM, 8);
  expect(reports.amend(report(2, 1, 0))).toEqual(report(2, 2, 1));
  expect(reports.amend(report(20, 1, 0))).toEqual(report(20, 2, 1));
});

it('counts no further than the field goes', () => {
  reports.dropped(STREAM, 10);
  expect(reports.amend(report(30, 0xffffffff, 0xffffffff))).toEqual(report(30, 0xffffffff, 0xffffffff));
});

it('bounds what it remembers, and loses no count', () => {
  for (let time = 0; time < 5000; time++) reports.dropped(STREAM, time);
  expect(reports.amend(report(5000, 1, 0))).toEqual(report(5000, 5001, 5000));
  for (let stream = 10; stream < 1000; stream++) reports.dropped(stream, 1);
});

describe('a report stays as it is', () => {
  beforeEach(() => reports.dropped(STREAM, 10));

  it.each([
    ['says that the stream cannot be shown', report(30, 0, 0xffffffff)],
    ['is of another reporting', report(30, 5, 0, UNIQUE + 1)],
    ['is too short', report(30, 5, 0).subarray(0, 31)],
    ['is empty', Buffer.alloc(0)],
  ])('when it %s', (_, body) => {
    expect(reports.amend(body)).toBe(body);
  });

  it.each([
    ['was asked for anew', wordsMessage(319, STREAM, UNIQUE, 5, 1000)],
    ['was created anew', streamCreate({ id: STREAM, box: [0, 0, 1, 1] })],
    ['was destroyed', wordsMessage(125, STREAM)],
    ['was destroyed with all others', displayMessage(126, Buffer.alloc(0))],
  ])('when its stream %s', (_, message) => {
    reports.note(message);
    const body = report(30, 5, 0);
    expect(reports.amend(body)).toBe(body);
  });

  it('when messages about it are short', () => {
    for (const type of [122, 125, 319])
      reports.note(displayMessage(type, Buffer.alloc(type === 319 ? 15 : 3)));
    expect(reports.amend(report(30, 5, 0))).toEqual(report(30, 6, 1));
  });
});
