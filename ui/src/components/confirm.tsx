// SPDX-License-Identifier: Apache-2.0
// A button whose action takes two steps.
import { AlertDialog } from '@base-ui/react/alert-dialog';
import type { ReactElement } from 'react';
import { useSay } from '../settings.js';

/** A button that asks before it acts. */
export function ConfirmedButton(props: {
  readonly label: string;
  readonly question: string;
  readonly consequences: string;
  readonly busy: boolean;
  readonly onConfirm: () => void;
}): ReactElement {
  const say = useSay();
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger className="danger" disabled={props.busy}>
        {props.label}
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title>{props.question}</AlertDialog.Title>
          <AlertDialog.Description>{props.consequences}</AlertDialog.Description>
          <div className="actions">
            <AlertDialog.Close>{say('app.cancel')}</AlertDialog.Close>
            <AlertDialog.Close className="danger solid" onClick={props.onConfirm}>
              {props.label}
            </AlertDialog.Close>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
