// SPDX-License-Identifier: Apache-2.0
// What somebody is asked whose desktop another one has open: whether to take it over, which ends the session of the other.
import { AlertDialog } from '@base-ui/react/alert-dialog';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { readPage } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { useSay } from '../settings.js';

/** The question, about a console that is in use. */
export function TakeOver(props: {
  readonly console: Schemas['V1Console'];
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}): ReactElement {
  const say = useSay();
  const holder = useHolder(props.console);
  const question = holder === null ? say('consoles.inUse') : say('consoles.inUseBy', { user: holder });
  return (
    <AlertDialog.Root open onOpenChange={(open) => (open ? undefined : props.onClose())}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title>{question}</AlertDialog.Title>
          <AlertDialog.Description>{say('consoles.takeOverEnds')}</AlertDialog.Description>
          <div className="actions">
            <AlertDialog.Close>{say('app.cancel')}</AlertDialog.Close>
            <AlertDialog.Close className="danger solid" onClick={props.onConfirm}>
              {say('consoles.takeOver')}
            </AlertDialog.Close>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** Who has a console, where this login may see that; null: it may not, or they do not say. */
function useHolder({ source, instance_uuid }: Schemas['V1Console']): string | null {
  const filters = { source, instance_uuid, state: 'active' };
  const { data } = useQuery({
    queryKey: ['sessions', 'holder', source, instance_uuid],
    queryFn: ({ signal }) => readPage('sessions', filters, { limit: 1, signal }),
    retry: false,
  });
  return data?.items[0]?.issued_to ?? null;
}
