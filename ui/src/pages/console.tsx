// SPDX-License-Identifier: Apache-2.0
// One console: facts, sessions, what happened.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { ask, urlOf } from '../api/client.js';
import { useConsole, useListing } from '../api/queries.js';
import type { Schemas } from '../api/types.js';
import { AuditTable } from '../components/audit-table.js';
import { ConfirmedButton } from '../components/confirm.js';
import { ConsoleActions } from '../components/console-actions.js';
import { Facts, Time } from '../components/facts.js';
import { GuestPolicyTable } from '../components/guest-policy.js';
import { useNotify, useNotifyFault } from '../components/notice.js';
import { SessionTable } from '../components/session-parts.js';
import { Fault, Loading } from '../components/state.js';
import { linkTo } from '../place-text.js';
import { useSay } from '../settings.js';
import { InstanceState } from './consoles.js';

/** The page. */
export function ConsolePage({
  source,
  uuid,
}: {
  readonly source: string;
  readonly uuid: string;
}): ReactElement {
  const say = useSay();
  const { data, error, isPending, refetch } = useConsole(source, uuid);
  const filter = { source, instance_uuid: uuid };
  const sessions = useListing('sessions', { ...filter, sort: 'created_at:desc' });
  const events = useListing('audit-events', filter);
  return (
    <>
      <p className="small">
        <a href={linkTo(['consoles'])}>{say('nav.consoles')}</a>
      </p>
      <h1>{data?.console.name ?? uuid}</h1>
      {isPending ? <Loading /> : null}
      {error === null ? null : <Fault error={error} retry={() => void refetch()} />}
      {data === undefined ? null : <Console console={data.console} />}
      <h2>{say('console.sessions')}</h2>
      <SessionTable
        label={say('console.sessions')}
        listing={sessions}
        empty={say('sessions.noneHere')}
        ofConsole
      />
      <h2>{say('console.audit')}</h2>
      <AuditTable label={say('console.audit')} listing={events} empty={say('audit.empty')} ofConsole />
    </>
  );
}

function Console({ console }: { readonly console: Schemas['V1Console'] }): ReactElement {
  const say = useSay();
  const { locked } = console;
  const ports = [console.insecure_port, console.secure_port].filter((port) => port !== null);
  return (
    <>
      <div className="actions">
        <ConsoleActions console={console} />
        <EndAll console={console} />
      </div>
      <h2>{say('console.facts')}</h2>
      <Facts
        of={[
          [say('consoles.source'), console.source],
          [say('console.uuid'), <code key="uuid">{console.instance_uuid}</code>],
          [
            say('consoles.state'),
            console.instance_state === null ? null : (
              <InstanceState key="state" state={console.instance_state} />
            ),
          ],
          [say('consoles.project'), console.project_id],
          [say('console.owner'), console.user_id],
          [
            say('console.locked'),
            locked === null || locked === undefined ? null : say(locked ? 'console.yes' : 'console.no'),
          ],
          [say('consoles.created'), <Time key="created" at={console.created_at} />],
          [say('console.host'), console.host ?? console.hypervisor],
          [say('console.address'), console.hypervisor_ip],
          [say('console.ports'), ports.join(', ')],
          [say('console.subject'), console.host_subject],
          [say('console.tags'), console.tags?.join(', ')],
          [say('console.recorded'), console.recorded === true ? say('console.recordedYes') : null],
          [say('console.access'), <WhoMayOpen key="access" console={console} />],
        ]}
      />
      <Commands console={console} />
      {console.guest_policy === undefined ? null : (
        <>
          <h2>{say('policy.title')}</h2>
          <GuestPolicyTable policy={console.guest_policy} />
        </>
      )}
    </>
  );
}

/** Whom the console's list of access names; without one, that there is none. */
function WhoMayOpen({ console }: { readonly console: Schemas['V1Console'] }): ReactElement {
  const say = useSay();
  const { access = null, access_role: own = 'default' } = console;
  if (access === null) return <>{say(own === 'default' ? 'console.accessPolicy' : `console.role.${own}`)}</>;
  if (access.length === 0) return <>{say('console.accessNobody')}</>;
  return (
    <ul className="plain">
      {access.map(({ kind, name, role }) => (
        <li key={`${kind} ${name ?? ''}`}>
          {kind === 'everybody'
            ? say('console.accessEverybody')
            : say(`console.access.${kind}`, { name: name ?? '' })}
          {': '}
          {say(`console.role.${role}`)}
        </li>
      ))}
    </ul>
  );
}

function EndAll({ console }: { readonly console: Schemas['V1Console'] }): ReactElement {
  const say = useSay();
  const notify = useNotify();
  const client = useQueryClient();
  const onError = useNotifyFault();
  const name = console.name ?? console.instance_uuid;
  const end = useMutation({
    mutationFn: () => ask(`v1/consoles/${console.id}`, { method: 'DELETE' }),
    onSuccess: () => notify({ text: say('console.endedAll', { name }), bad: false }),
    onError,
    onSettled: () => client.invalidateQueries({ queryKey: ['sessions'] }),
  });
  return (
    <ConfirmedButton
      label={say('console.endAll')}
      question={say('console.endAllAsk', { name })}
      consequences={say('console.endAllWhat')}
      busy={end.isPending}
      onConfirm={() => end.mutate()}
    />
  );
}

/** The same by a command: of OpenStack's client, and of curl. */
function Commands({ console }: { readonly console: Schemas['V1Console'] }): ReactElement {
  const say = useSay();
  const notify = useNotify();
  const body = JSON.stringify({ instance_uuid: console.instance_uuid, source: console.source });
  const commands = [
    `openstack console desktop open ${console.instance_uuid} --source ${quoted(console.source)}`,
    `curl -sS -X POST ${quoted(urlOf('v1/consoles'))} -H "X-Auth-Token: $(openstack token issue -f value -c id)" ` +
      `-H 'Accept: application/x-virt-viewer' -d ${quoted(body)} -o console.vv`,
  ];
  const copy = async (text: string): Promise<void> => {
    await navigator.clipboard.writeText(text);
    notify({ text: say('console.copied'), bad: false });
  };
  return (
    <details>
      <summary>{say('console.commands')}</summary>
      {commands.map((command) => (
        <div key={command} className="command">
          <code>{command}</code>
          {window.isSecureContext ? (
            <button type="button" onClick={() => void copy(command)}>
              {say('console.copy')}
            </button>
          ) : null}
        </div>
      ))}
    </details>
  );
}

/** A word of a shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
