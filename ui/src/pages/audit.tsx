// SPDX-License-Identifier: Apache-2.0
// The audit trail: search, and export of what the search finds.
import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { exportEvents, type Format } from '../api/export.js';
import { useListing } from '../api/queries.js';
import { AuditTable } from '../components/audit-table.js';
import { SearchField, SelectField, TextField } from '../components/fields.js';
import { useNotify, useNotifyFault } from '../components/notice.js';
import { changeQuery, usePlace } from '../place.js';
import { useSay } from '../settings.js';

const KINDS = ['user', 'operator', 'notification', 'service'] as const;

/** The page. */
export function AuditPage(): ReactElement {
  const say = useSay();
  const { query } = usePlace();
  const filters = {
    instance_uuid: query['uuid'],
    source: query['source'],
    user: query['user'],
    session_id: query['session']?.slice(0, 12),
    since: isoOf(query['since']),
    until: isoOf(query['until']),
    requested_by: query['kind'],
  };
  const searches = Object.values(filters).some((value) => value !== undefined && value !== '');
  const listing = useListing('audit-events', filters);
  return (
    <>
      <h1>{say('nav.audit')}</h1>
      <AuditSearch />
      <div className="actions">
        <ExportButton filters={filters} format="csv" />
        <ExportButton filters={filters} format="json" />
      </div>
      <AuditTable
        label={say('nav.audit')}
        listing={listing}
        empty={say(searches ? 'audit.emptySearch' : 'audit.empty')}
      />
    </>
  );
}

function AuditSearch(): ReactElement {
  const say = useSay();
  const place = usePlace();
  const { uuid = '', source = '', user = '', session = '', since = '', until = '', kind = '' } = place.query;
  const field = (label: string, name: string, value: string): ReactElement => (
    <SearchField label={label} value={value} onChange={(text) => changeQuery(place, { [name]: text })} />
  );
  const moment = (label: string, name: string, value: string): ReactElement => (
    <TextField
      label={label}
      type="datetime-local"
      value={value}
      onChange={({ target }) => changeQuery(place, { [name]: target.value })}
    />
  );
  return (
    <search className="search">
      {field(say('audit.uuid'), 'uuid', uuid)}
      {field(say('consoles.source'), 'source', source)}
      {field(say('audit.user'), 'user', user)}
      {field(say('audit.session'), 'session', session)}
      {moment(say('audit.since'), 'since', since)}
      {moment(say('audit.until'), 'until', until)}
      <SelectField
        label={say('audit.kind')}
        value={kind}
        options={[
          ['', say('audit.kind.any')],
          ...KINDS.map((one) => [one, say(`audit.kind.${one}`)] as const),
        ]}
        onChange={(value) => changeQuery(place, { kind: value })}
      />
    </search>
  );
}

function ExportButton(props: {
  readonly filters: Readonly<Record<string, string | undefined>>;
  readonly format: Format;
}): ReactElement {
  const say = useSay();
  const notify = useNotify();
  const onError = useNotifyFault();
  const run = useMutation({
    mutationFn: () => exportEvents(props.filters, props.format),
    onSuccess: () => notify({ text: say('audit.exporting'), bad: false }),
    onError,
  });
  return (
    <button type="button" disabled={run.isPending} onClick={() => run.mutate()}>
      {say(`audit.${props.format}`)}
    </button>
  );
}

/** A time of the viewer's zone as the API reads it. @param text as the field has it */
function isoOf(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
