// SPDX-License-Identifier: Apache-2.0
// The tools of a desktop: keys that the browser keeps for itself, text, size, sound, a keyboard for screens that are touched.
import type { Desktop } from './desktop.js';
import { button, element, toggle } from './dom.js';
import { COMBINATIONS, CTRL_ALT_DELETE, keysFor } from './keys.js';
import type { Say } from './strings.js';
import { touchKeyboard } from './touch-keyboard.js';

/** The tools as the frame has them. */
export interface Tools {
  readonly element: HTMLElement;
  /** What opens below the bar. */
  readonly panel: HTMLElement;
  use(desktop: Desktop | null): void;
  copied(text: string): void;
  agent(): void;
}

/** Milliseconds between two keys of a text: a guest that reads them one by one misses some otherwise. */
const TYPING_MS = 15;
/** Characters that are typed of one text. */
const LONGEST_TEXT = 4096;

/** Makes them. @param openNative null: there is no native client for it */
export function toolsOf(say: Say, openNative: (() => void) | null): Tools {
  let desktop: Desktop | null = null;
  // It may be told before its desktop is.
  let agent = false;
  const wanted = { fit: true, grow: false, sound: true };
  const press = (keys: Parameters<Desktop['press']>[0]): void => {
    desktop?.press(keys);
    desktop?.focus();
  };

  const keys = element('details', { class: 'keys' }, element('summary', { text: say('keys') }));
  const list = element('div', { class: 'list' });
  for (const [name, combination] of COMBINATIONS) {
    list.append(
      button(name, () => {
        keys.open = false;
        press(combination);
      }),
    );
  }
  keys.append(list);

  const typing = new Typing();
  const text = textPanel(say, () => desktop, typing);
  const touch = touchKeyboard(say, (written) => {
    if (desktop !== null) void typing.type(written, desktop);
  });
  const grow = toggle(say('grow'), wanted.grow, (on) => {
    wanted.grow = on;
    desktop?.resizeGuest(on);
  });
  const sound = toggle(say('sound'), wanted.sound, (on) => {
    wanted.sound = on;
    desktop?.mute(!on);
  });
  const shown = [
    button('Ctrl+Alt+Del', () => press(CTRL_ALT_DELETE)),
    keys,
    text.button,
    toggle(say('fit'), wanted.fit, (on) => {
      wanted.fit = on;
      desktop?.scale(on);
    }),
    grow,
    sound,
    touch.button,
    fullScreen(say),
    ...(openNative === null ? [] : [button(say('native'), openNative)]),
  ];
  const bar = element('div', { class: 'tools' }, ...shown, touch.field);
  return {
    element: bar,
    panel: text.panel,
    copied: text.copied,
    agent: () => {
      agent = true;
      grow.disabled = desktop === null;
    },
    use: (now) => {
      desktop = now;
      for (const each of bar.querySelectorAll('button')) each.disabled = now === null;
      for (const each of text.panel.querySelectorAll('button')) each.disabled = now === null;
      text.clipboard.hidden = now?.takesClipboard !== true;
      sound.hidden = now?.hasSound === false;
      if (now === null) agent = false;
      // Until an agent is there, the guest does not listen.
      grow.disabled = !agent;
      now?.scale(wanted.fit);
      now?.resizeGuest(wanted.grow);
      now?.mute(!wanted.sound);
    },
  };
}

/** Types texts one after the other. */
class Typing {
  private last: Promise<unknown> = Promise.resolve();

  /** Types a text; gives what it could not. */
  type(text: string, desktop: Desktop): Promise<string> {
    const typed = this.last.then(() => typeText(text, desktop));
    this.last = typed;
    return typed;
  }
}

async function typeText(text: string, desktop: Desktop): Promise<string> {
  let left = '';
  for (const character of Array.from(text.replaceAll('\r\n', '\n')).slice(0, LONGEST_TEXT)) {
    const keys = keysFor(character);
    if (keys === null) left += character;
    else desktop.press(keys);
    await new Promise((resolve) => setTimeout(resolve, TYPING_MS));
  }
  return left;
}

function textPanel(
  say: Say,
  desktop: () => Desktop | null,
  typing: Typing,
): {
  button: HTMLButtonElement;
  panel: HTMLElement;
  clipboard: HTMLButtonElement;
  copied: (text: string) => void;
} {
  const field = element('textarea', {
    rows: '4',
    'aria-label': say('clipboardHint'),
    placeholder: say('clipboardHint'),
  });
  const note = element('p', { class: 'small', role: 'status' });
  const type = button(say('type'), () => {
    const now = desktop();
    if (now === null) return;
    void typing.type(field.value, now).then((left) => {
      note.textContent = left === '' ? '' : say('untyped', { characters: left });
    });
  });
  const clipboard = button(say('paste'), () => desktop()?.paste(field.value));
  const panel = element('aside', { class: 'panel', 'aria-label': say('clipboard') }, field, note);
  panel.append(element('div', { class: 'actions' }, type, clipboard));
  panel.hidden = true;
  const open = toggle(say('clipboard'), false, (on) => {
    panel.hidden = !on;
    if (on) field.focus();
    else desktop()?.focus();
  });
  return {
    ...{ button: open, panel, clipboard },
    copied: (copied) => {
      field.value = copied;
      // Where the browser lets a page without a click; the field has it in any case.
      if (window.isSecureContext) void navigator.clipboard.writeText(copied).catch(() => undefined);
    },
  };
}

function fullScreen(say: Say): HTMLButtonElement {
  const made = button(say('fullScreen'), () => {
    if (document.fullscreenElement === null)
      void document.documentElement.requestFullscreen().catch(() => undefined);
    else void document.exitFullscreen();
  });
  made.hidden = !document.fullscreenEnabled;
  document.addEventListener('fullscreenchange', () => {
    made.textContent = say(document.fullscreenElement === null ? 'fullScreen' : 'leave');
  });
  return made;
}
