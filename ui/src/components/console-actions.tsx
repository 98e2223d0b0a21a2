// SPDX-License-Identifier: Apache-2.0
// The two ways to a desktop, and what is asked when somebody else has it.
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { isInUse } from '../api/client.js';
import { openDesktop, openInBrowser } from '../api/open-desktop.js';
import { useWhoami } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { useSay } from '../settings.js';
import { useNotify, useNotifyFault } from './notice.js';
import { TakeOver } from './take-over.js';

/** The buttons that open a console. */
export function ConsoleActions({ console }: { readonly console: Schemas['V1Console'] }): ReactElement {
  const say = useSay();
  const notify = useNotify();
  const notifyFault = useNotifyFault();
  const base = useWhoami().data?.browser_url ?? null;
  const name = console.name ?? console.instance_uuid;
  /** What is done once more when the desktop is taken over; null: nothing is asked. */
  const [again, setAgain] = useState<(() => void) | null>(null);
  const onFault = (error: unknown, retry: () => void): void => {
    if (isInUse(error)) setAgain(() => retry);
    else notifyFault(error);
  };
  const open = useMutation({
    mutationFn: (replace: boolean) => openDesktop(console, replace),
    onSuccess: () => notify({ text: say('consoles.opened'), bad: false }),
    onError: (error) => onFault(error, () => open.mutate(true)),
  });
  const browse = useMutation({
    mutationFn: (replace: boolean) => openInBrowser(console, replace),
    onSuccess: (opened) =>
      notify({ text: say(opened ? 'consoles.openedBrowser' : 'consoles.blocked'), bad: !opened }),
    onError: (error) => onFault(error, () => browse.mutate(true)),
  });
  return (
    <div className="actions">
      {console.protocol === 'vnc' ? (
        <span className="small">VNC</span>
      ) : (
        <button type="button" disabled={open.isPending} title={name} onClick={() => open.mutate(false)}>
          {say('consoles.open')}
        </button>
      )}
      {base === null ? null : (
        <button type="button" disabled={browse.isPending} title={name} onClick={() => browse.mutate(false)}>
          {say('consoles.browser')}
        </button>
      )}
      {again === null ? null : (
        <TakeOver console={console} onConfirm={again} onClose={() => setAgain(null)} />
      )}
    </div>
  );
}
