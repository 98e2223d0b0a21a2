// SPDX-License-Identifier: Apache-2.0
// Facts by their names, times, and words of state.
import { useEffect, useState, type ReactElement, type ReactNode } from 'react';
import { ago, time } from '../format.js';
import { useSettings } from '../settings.js';

/** Facts by their names; those that are null or empty are left out. */
export function Facts({ of }: { readonly of: readonly (readonly [string, ReactNode])[] }): ReactElement {
  return (
    <dl className="facts">
      {of
        .filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** A time in the viewer's zone. */
export function Time({ at }: { readonly at: string | null }): ReactElement | null {
  const { language } = useSettings();
  return at === null ? null : <time dateTime={at}>{time(at, language)}</time>;
}

/** How often the words for how long ago something was are made anew, ms. */
const EVERY_MS = 10_000;

/** How long ago a time was; the time itself when it is pointed at. */
export function Ago({ at }: { readonly at: string }): ReactElement {
  const { language } = useSettings();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), EVERY_MS);
    return () => window.clearInterval(timer);
  }, []);
  return (
    <time dateTime={at} title={time(at, language)}>
      {ago(at, Math.max(now, Date.parse(at)), language)}
    </time>
  );
}

/** A word of state; its colour is not the only sign of it. */
export function State({
  kind,
  children,
}: {
  readonly kind: 'good' | 'bad' | 'some' | 'none';
  readonly children: ReactNode;
}): ReactElement {
  return <span className={`badge ${kind}`}>{children}</span>;
}
