// SPDX-License-Identifier: Apache-2.0
// Short messages about what has just been done, read aloud by screen readers.
import { createContext, useCallback, useContext, useState, type ReactElement, type ReactNode } from 'react';
import { ApiFault } from '../api/client.js';
import { useSay } from '../settings.js';

interface Notice {
  readonly text: string;
  readonly bad: boolean;
}

const Notify = createContext<(notice: Notice) => void>(() => undefined);

/** How to tell something. */
export function useNotify(): (notice: Notice) => void {
  return useContext(Notify);
}

/** How to tell that something has failed. */
export function useNotifyFault(): (error: unknown) => void {
  const notify = useNotify();
  const say = useSay();
  return (error) => {
    const text = error instanceof ApiFault && error.status !== 0 ? error.message : say('fault.network');
    notify({ text, bad: true });
  };
}

/** Shows the newest message until it is closed or another one comes. */
export function Notices({ children }: { readonly children: ReactNode }): ReactElement {
  const [notice, setNotice] = useState<Notice | null>(null);
  const say = useSay();
  const notify = useCallback((next: Notice) => setNotice(next), []);
  return (
    <Notify value={notify}>
      {children}
      <div className="notices" role="status" aria-live="polite">
        {notice === null ? null : (
          <div className={notice.bad ? 'notice bad' : 'notice'}>
            <span>{notice.text}</span>
            <button type="button" className="quiet" onClick={() => setNotice(null)}>
              {say('app.close')}
            </button>
          </div>
        )}
      </div>
    </Notify>
  );
}
