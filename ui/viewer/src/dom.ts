// SPDX-License-Identifier: Apache-2.0
// Elements, with text that is never taken for anything else.

/** An element. @param attributes as HTML has them; `text` is its text */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  { text, ...attributes }: Readonly<Record<string, string>> = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** A button. */
export function button(
  text: string,
  act: () => void,
  attributes: Readonly<Record<string, string>> = {},
): HTMLButtonElement {
  const made = element('button', { type: 'button', text, ...attributes });
  made.addEventListener('click', act);
  return made;
}

/** A button that is on or off. @param act is told what it has become */
export function toggle(text: string, on: boolean, act: (on: boolean) => void): HTMLButtonElement {
  const made = button(text, () => {
    const now = made.getAttribute('aria-pressed') !== 'true';
    made.setAttribute('aria-pressed', String(now));
    act(now);
  });
  made.setAttribute('aria-pressed', String(on));
  return made;
}
