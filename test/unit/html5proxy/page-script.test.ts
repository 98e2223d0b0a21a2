// SPDX-License-Identifier: Apache-2.0
// The script of the page, as the text that a browser runs.
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { pageScript, withPageScript } from '../../../src/html5proxy/page-script.js';
import { waitFor } from '../../fixtures/program.js';

class Element {
  id = '';
  textContent: string | null = null;
  onclick: (() => void) | null = null;
  readonly style = { cssText: '' };
  readonly children: Element[] = [];
  append(...children: Element[]): void {
    this.children.push(...children);
  }
  focus(): void {
    // Nothing here reads it.
  }
  setAttribute(): void {
    // Nothing here reads it.
  }
  text(): string {
    return [this.textContent ?? '', ...this.children.map((child) => child.text())].join('|');
  }
}

class Socket {
  static readonly made: Socket[] = [];
  private readonly listeners: (() => void)[] = [];
  constructor() {
    Socket.made.push(this);
  }
  addEventListener(_name: 'close', listener: () => void): void {
    this.listeners.push(listener);
  }
  close(): void {
    for (const listener of this.listeners) listener();
  }
}

/** A browser's window that runs the script; `answer` is what the service says. */
function browser(answer: () => Promise<unknown>) {
  Socket.made.length = 0;
  const body = new Element();
  const asked: unknown[] = [];
  const hidden: (() => void)[] = [];
  const window = {
    WebSocket: Socket as unknown as new (url: string) => Socket,
    prompt: (): string | null => 'a password',
    fetch: (path: string, init: unknown) => {
      asked.push([path, init]);
      return answer().then((said) => ({ ok: true, json: () => Promise.resolve(said) }));
    },
    addEventListener: (_name: string, listener: () => void) => hidden.push(listener),
    location: { search: '?password=s3cret', reload: () => undefined },
    document: { body, createElement: () => new Element() },
  };
  runInNewContext(pageScript(), { window, URLSearchParams, Date });
  return { window, body, asked, hidden };
}

const ENDED = { title: 'It ended', advice: 'Do this.', ended_at: null };

describe('the script of the page', () => {
  it('asks once the main channel has closed, and shows what it is told, once', async () => {
    const { window, body, asked } = browser(() => Promise.resolve(ENDED));
    const [main, display] = [new window.WebSocket('ws://x'), new window.WebSocket('ws://x')];
    display.close();
    expect(asked).toEqual([]);
    main.close();
    main.close();
    await waitFor('the words', () => body.text().includes('It ended|'));
    expect(body.text()).toContain('Do this.');
    expect(body.children).toHaveLength(1);
    expect(asked).toEqual([
      ['kerbside-ended', expect.objectContaining({ headers: { Authorization: 'Bearer s3cret' } })],
    ]);
  });

  it('says so in place of a question for a password', async () => {
    const { window, body } = browser(() => Promise.resolve(ENDED));
    expect(() => window.prompt()).toThrow('refused');
    await waitFor('the words', () => body.text().includes('It ended|'));
  });

  it('says that the service is away when it is', async () => {
    const { window, body } = browser(() => Promise.reject(new Error('away')));
    new window.WebSocket('ws://x').close();
    await waitFor('the words', () => body.text().includes('console service was lost'));
  });

  it('says nothing on a page that is left', () => {
    const { window, asked, hidden } = browser(() => Promise.resolve(ENDED));
    const main = new window.WebSocket('ws://x');
    for (const listener of hidden) listener();
    main.close();
    expect(asked).toEqual([]);
  });
});

describe('withPageScript', () => {
  const tag = '<script src="kerbside-ended.js"></script>';
  it.each([
    ['<!DOCTYPE html><html><head lang="en"><script>1</script>', '<!DOCTYPE html><html><head lang="en">'],
    ['<!doctype html>\n<script>1</script>', '<!doctype html>'],
    ['<script>1</script>', ''],
  ])('puts it before all others: %s', (html, before) => {
    expect(withPageScript(html)).toBe(`${before}${tag}${html.slice(before.length)}`);
  });
});
