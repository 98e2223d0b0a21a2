// SPDX-License-Identifier: Apache-2.0
// The frame around the screen: what the desktop is and how it is, the tools, and what is said over it.
import type { Desktop } from './desktop.js';
import { button, element } from './dom.js';
import type { Ended } from './ended.js';
import type { Say } from './strings.js';
import { toolsOf, type Tools } from './tools.js';

/** How the connection is. */
export type Condition = 'waiting' | 'good' | 'bad';

/** What the frame is made with. */
export interface FrameParts {
  readonly say: Say;
  readonly title: string | null;
  /** Whether a native client may take over. */
  readonly native: boolean;
  /** The user wants to be connected again. */
  again(): void;
  /** The user goes on in a native client. */
  openNative(): void;
}

/** What stands over the screen. */
export interface Notice {
  readonly title: string;
  readonly advice: string;
  readonly ended_at?: Ended['ended_at'];
  /** What its first button does. */
  readonly act: 'again' | 'load' | 'none';
}

/** The frame. */
export class Frame {
  /** Where clients draw. */
  readonly screen = element('main', { id: 'screen', class: 'screen' });
  private readonly status = element('span', { class: 'status', role: 'status' });
  private readonly light = element('span', { class: 'light', 'aria-hidden': 'true' });
  private readonly tools: Tools;
  private shade: HTMLElement | null = null;

  constructor(
    root: HTMLElement,
    private readonly parts: FrameParts,
  ) {
    const { say, title } = parts;
    this.tools = toolsOf(say, parts.native ? () => parts.openNative() : null);
    const name = element('h1', { id: 'hostname', text: title ?? 'Kerbside' });
    const menu = button(say('menu'), () => {
      const open = bar.classList.toggle('open');
      menu.setAttribute('aria-expanded', String(open));
    });
    menu.className = 'menu';
    menu.setAttribute('aria-expanded', 'false');
    const bar = element('header', {}, this.light, name, this.status, menu, this.tools.element);
    root.replaceChildren(bar, this.screen, this.tools.panel);
    if (title !== null) document.title = title;
    this.use(null);
  }

  /** The tools are for this desktop from now on; null: there is none. */
  use(desktop: Desktop | null): void {
    this.tools.use(desktop);
  }

  /** The guest has copied text. */
  copied(text: string): void {
    this.tools.copied(text);
  }

  /** An agent takes sizes for the screen. */
  agent(): void {
    this.tools.agent();
  }

  /** Says how the connection is. */
  tell(condition: Condition, text: string): void {
    this.light.className = `light ${condition}`;
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  /** Says something over the screen; null: nothing any more. */
  show(notice: Notice | null): void {
    this.shade?.remove();
    this.shade = null;
    if (notice === null) return;
    const { say } = this.parts;
    const box = element(
      'div',
      { class: 'box' },
      element('h2', { text: notice.title }),
      element('p', { text: notice.advice }),
    );
    const at = notice.ended_at ?? null;
    if (at !== null) {
      const time = new Date(at * 1000).toLocaleString();
      box.append(element('p', { class: 'small', text: say('ended', { time }) }));
    }
    const load = button(say('load'), () => location.reload());
    const buttons = notice.act === 'again' ? [button(say('again'), () => this.parts.again()), load] : [load];
    if (notice.act !== 'none') box.append(element('div', { class: 'actions' }, ...buttons));
    this.shade = element(
      'div',
      { id: 'kerbside-ended', role: 'alertdialog', 'aria-label': notice.title },
      box,
    );
    this.screen.after(this.shade);
    load.classList.add('solid');
    load.focus();
  }
}
