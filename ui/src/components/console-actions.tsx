// SPDX-License-Identifier: Apache-2.0
// The two ways to a desktop.
import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { openDesktop, openInBrowser } from '../api/open-desktop.js';
import { useWhoami } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { useSay } from '../settings.js';
import { useNotify, useNotifyFault } from './notice.js';

/** The buttons that open a console. */
export function ConsoleActions({ console }: { readonly console: Schemas['V1Console'] }): ReactElement {
  const say = useSay();
  const notify = useNotify();
  const onError = useNotifyFault();
  const base = useWhoami().data?.browser_url ?? null;
  const name = console.name ?? console.instance_uuid;
  const open = useMutation({
    mutationFn: () => openDesktop(console),
    onSuccess: () => notify({ text: say('consoles.opened'), bad: false }),
    onError,
  });
  const browse = useMutation({
    mutationFn: (url: string) => openInBrowser(console, url),
    onSuccess: (opened) =>
      notify({ text: say(opened ? 'consoles.openedBrowser' : 'consoles.blocked'), bad: !opened }),
    onError,
  });
  return (
    <div className="actions">
      <button type="button" disabled={open.isPending} title={name} onClick={() => open.mutate()}>
        {say('consoles.open')}
      </button>
      {base === null ? null : (
        <button type="button" disabled={browse.isPending} title={name} onClick={() => browse.mutate(base)}>
          {say('consoles.browser')}
        </button>
      )}
    </div>
  );
}
