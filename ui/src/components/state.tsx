// SPDX-License-Identifier: Apache-2.0
// What stands in place of data: that it is being loaded, that there is none, that it cannot be had.
import type { ReactElement, ReactNode } from 'react';
import { ApiFault } from '../api/client.js';
import { useSay } from '../settings.js';

/** Data that is being loaded. */
export function Loading(): ReactElement {
  return (
    <p className="state" role="status">
      {useSay()('app.loading')}
    </p>
  );
}

/** No data, and what to do about it. */
export function Empty({ children }: { readonly children: ReactNode }): ReactElement {
  return <p className="state">{children}</p>;
}

/** Data that cannot be had, why, and what to do. */
export function Fault({
  error,
  retry,
}: {
  readonly error: unknown;
  readonly retry: () => void;
}): ReactElement {
  const say = useSay();
  return (
    <div className="state bad" role="alert">
      <strong>{say('fault.title')}</strong>
      <p>{textOf(error, say)}</p>
      {error instanceof ApiFault && error.requestId !== null ? (
        <p className="small">{say('fault.request', { id: error.requestId })}</p>
      ) : null}
      <button type="button" onClick={retry}>
        {say('app.retry')}
      </button>
    </div>
  );
}

function textOf(error: unknown, say: ReturnType<typeof useSay>): string {
  if (!(error instanceof ApiFault) || error.status === 0) return say('fault.network');
  return error.status === 403 ? say('fault.forbidden') : error.message;
}
