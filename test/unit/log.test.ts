// SPDX-License-Identifier: Apache-2.0
// One event is one line, in the format of oslo.log or as JSON, and nothing in an event can forge a second one.
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { KerbsideException } from '../../src/exception.js';
import { configureLogging, loggerFor, renderLine, reopenLog } from '../../src/log.js';
import type { LogEvent, LogFields } from '../../src/log.js';

const folder = mkdtempSync(join(tmpdir(), 'kerbside-log-'));
afterAll(() => {
  configureLogging({ debug: false, useJson: false, file: '' });
  rmSync(folder, { recursive: true });
});

const TEXT = { debug: false, useJson: false };
const JSON_FORMAT = { debug: false, useJson: true };

function event(message: string, fields: LogFields = {}, level: LogEvent['level'] = 'info'): LogEvent {
  return { level, name: 'kerbside.console.link', message, fields, time: new Date(2026, 10, 20, 11, 0, 0, 7) };
}

describe('renderLine as text', () => {
  it('has the parts of oslo.log in their order', () => {
    expect(
      renderLine(event('link refused', { reason: 'token_unknown', port: 5900, again: false }), TEXT),
    ).toBe(
      `2026-11-20 11:00:00.007 ${process.pid} INFO kerbside.console.link [-] link refused reason=token_unknown port=5900 again=false`,
    );
  });

  it('puts the request between the brackets', () => {
    const line = renderLine(event('x', { request_id: 'req-1', user: 'alice', path: '/' }), TEXT);
    expect(line).toContain('[req-1 alice -] x path=/');
  });

  it('quotes values with spaces and leaves out those that are undefined', () => {
    expect(renderLine(event('x', { a: 'b c', d: undefined, e: '', f: 'say "hi"' }), TEXT)).toMatch(
      / x a="b c" e="" f="say \\"hi\\""$/,
    );
  });

  it('escapes whatever could start a line or drive a terminal', () => {
    const line = renderLine(
      event('a\nb', { 'k\n': 'c\r\n\u001b[31m\u2028\u202e', user: 'eve\nmallory x' }),
      TEXT,
    );
    expect(line).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    expect(line).toContain('a\\nb k\\n=c\\r\\n\\u001b[31m\\u2028\\u202e');
    expect(line).toContain('[- eve\\nmallory_x -]');
  });

  it('shows the message of an error, and the stack only of a bug at debug', () => {
    const bug = new TypeError('x is undefined');
    const debug = { debug: true, useJson: false };
    expect(renderLine(event('failed', { error: bug }, 'error'), TEXT)).toMatch(
      /failed error="x is undefined"$/,
    );
    expect(renderLine(event('failed', { error: bug }, 'warning'), debug)).not.toContain('stack=');
    expect(renderLine(event('failed', { error: bug }, 'error'), debug)).toMatch(
      /stack="TypeError: x is undefined\\n/,
    );
    expect(
      renderLine(event('failed', { error: new KerbsideException('away') }, 'error'), debug),
    ).not.toContain('stack=');
  });
});

describe('renderLine as JSON', () => {
  it('is one object with the fields as members', () => {
    const line = renderLine(
      event('a\nb', { port: 1, name: 'desktop', user: 'alice' }, 'warning'),
      JSON_FORMAT,
    );
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      asctime: '2026-11-20 11:00:00.007',
      levelname: 'WARNING',
      name: 'kerbside.console.link',
      process: process.pid,
      message: 'a\nb',
      port: 1,
      name_: 'desktop',
      user: 'alice',
    });
  });
});

describe('loggerFor', () => {
  const log = loggerFor('kerbside.test');

  it('appends to the file, at the level that was set', () => {
    const file = join(folder, 'a.log');
    configureLogging({ debug: false, useJson: false, file });
    log.debug('hidden');
    log.info('shown', { n: 1 });
    configureLogging({ debug: true, useJson: true, file });
    log.debug('shown too');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/INFO kerbside\.test \[-\] shown n=1$/);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ levelname: 'DEBUG', message: 'shown too' });
  });

  it('opens a file anew after it was moved away', () => {
    const file = join(folder, 'b.log');
    configureLogging({ debug: false, useJson: false, file });
    log.info('one');
    renameSync(file, `${file}.1`);
    log.info('two');
    reopenLog();
    log.info('three');
    expect(readFileSync(`${file}.1`, 'utf8')).toMatch(/ one\n.* two\n$/);
    expect(readFileSync(file, 'utf8')).toMatch(/^.* three\n$/);
  });

  it('notices by itself that a file was moved away, within a second', () => {
    const file = join(folder, 'e.log');
    configureLogging({ debug: false, useJson: false, file });
    log.info('one');
    renameSync(file, `${file}.1`);
    const now = Date.now();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now + 1001);
    log.info('two');
    clock.mockRestore();
    expect(readFileSync(`${file}.1`, 'utf8')).toMatch(/^.* one\n$/);
    expect(readFileSync(file, 'utf8')).toMatch(/^.* two\n$/);
  });

  it('names a file that cannot be opened and goes on as before', () => {
    const file = join(folder, 'c.log');
    configureLogging({ debug: false, useJson: false, file });
    const bad = join(folder, 'absent', 'd.log');
    expect(() => configureLogging({ debug: false, useJson: false, file: bad })).toThrow(
      `log file ${bad} cannot be opened`,
    );
    log.info('still here');
    expect(readFileSync(file, 'utf8')).toContain('still here');
  });

  it('drops what a full disk does not take', () => {
    configureLogging({ debug: false, useJson: false, file: '/dev/full' });
    expect(() => log.error('lost')).not.toThrow();
  });
});
