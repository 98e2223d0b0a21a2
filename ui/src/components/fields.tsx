// SPDX-License-Identifier: Apache-2.0
// Fields of searches and forms: a label that is seen, and the control.
import { useEffect, useId, useState, type InputHTMLAttributes, type ReactElement } from 'react';

/** A line of text. */
export function TextField({
  label,
  ...input
}: { readonly label: string } & InputHTMLAttributes<HTMLInputElement>): ReactElement {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} {...input} />
    </div>
  );
}

/** One of some values. */
export function SelectField(props: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onChange: (value: string) => void;
}): ReactElement {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      <select id={id} value={props.value} onChange={({ target }) => props.onChange(target.value)}>
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** How long after the last key a search begins, ms. */
const PAUSE_MS = 300;

/** A line of text that is searched for while it is typed. */
export function SearchField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}): ReactElement {
  const { label, value, onChange } = props;
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);
  if (told !== value) {
    setTold(value);
    setText(value);
  }
  useEffect(() => {
    if (text === value) return undefined;
    const pause = window.setTimeout(() => onChange(text.trim()), PAUSE_MS);
    return () => window.clearTimeout(pause);
  }, [text, value, onChange]);
  return (
    <TextField
      label={label}
      type="search"
      value={text}
      maxLength={255}
      autoComplete="off"
      spellCheck={false}
      onChange={({ target }) => setText(target.value)}
    />
  );
}
