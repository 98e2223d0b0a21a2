// SPDX-License-Identifier: Apache-2.0
// The keyboard of a screen that is touched. It shows for a field, and what it writes there is typed. Such keyboards write no keys: they
// replace words that they have composed, and guess. So the field keeps what was written, and what differs is typed.
import { button, element } from './dom.js';
import type { Say } from './strings.js';
import { difference } from './typed-difference.js';

/** What stays in the field, so that there is something to delete. */
const REST = '_'.repeat(32);
/** Length at which the field begins anew. */
const LONGEST = 256;

/** The field, and the button that shows the keyboard. @param type types a text, `\b` deletes */
export function touchKeyboard(
  say: Say,
  type: (text: string) => void,
): { readonly button: HTMLButtonElement; readonly field: HTMLElement } {
  const field = element('textarea', {
    ...{ class: 'touch', 'aria-label': say('keyboard'), tabindex: '-1' },
    ...{ autocapitalize: 'off', autocomplete: 'off', spellcheck: 'false' },
  });
  field.setAttribute('autocorrect', 'off');
  let before = '';
  const begin = (): void => {
    field.value = REST;
    before = REST;
    field.setSelectionRange(REST.length, REST.length);
  };
  begin();
  field.addEventListener('focus', begin);
  field.addEventListener('input', (event) => {
    const now = field.value;
    type(difference(before, now));
    before = now;
    // A word that is being composed is the keyboard's: it is not taken away.
    const composing = event instanceof InputEvent && event.isComposing;
    if (!composing && (now.length > LONGEST || now.length < REST.length)) begin();
  });
  // Keys without a character: the field does not change by them.
  field.addEventListener('keydown', ({ key, isComposing }) => {
    if (!isComposing && key === 'Escape') type('\u001b');
  });
  const show = button(say('keyboard'), () => field.focus(), { class: 'for-touch' });
  // The field keeps the focus when the button is pressed again: the keyboard stays.
  show.addEventListener('pointerdown', (event) => event.preventDefault());
  return { button: show, field };
}
