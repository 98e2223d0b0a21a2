// SPDX-License-Identifier: Apache-2.0
// Every page of the UI: where it is, what it is called, what shows it. A further page is one file and one line here.
import type { ReactElement } from 'react';
import type { StringName } from '../strings/index.js';
import { AboutPage } from './about.js';
import { AuditPage } from './audit.js';
import { ConsolePage } from './console.js';
import { ConsolesPage } from './consoles.js';
import { OverviewPage } from './overview.js';
import { ServicesPage } from './services.js';
import { SessionPage, SessionsPage } from './sessions.js';
import { SourcesPage } from './sources.js';

/** A page that the menu names. */
interface PageEntry {
  /** The first part of its path; empty for the one that comes first. */
  readonly path: string;
  readonly label: StringName;
  readonly show: () => ReactElement;
  /** What is shown of one thing, for the parts of the path behind the first; null: there is no such place. */
  readonly detail?: (path: readonly string[]) => ReactElement | null;
}

/** The pages in the order of the menu. */
export const PAGES: readonly PageEntry[] = [
  { path: '', label: 'nav.overview', show: () => <OverviewPage /> },
  {
    path: 'consoles',
    label: 'nav.consoles',
    show: () => <ConsolesPage />,
    detail: ([source, uuid]) =>
      source === undefined || uuid === undefined ? null : (
        <ConsolePage key={`${source}/${uuid}`} source={source} uuid={uuid} />
      ),
  },
  {
    path: 'sessions',
    label: 'nav.sessions',
    show: () => <SessionsPage />,
    detail: ([id]) => (id === undefined ? null : <SessionPage key={id} id={id} />),
  },
  { path: 'sources', label: 'nav.sources', show: () => <SourcesPage /> },
  { path: 'services', label: 'nav.services', show: () => <ServicesPage /> },
  { path: 'audit', label: 'nav.audit', show: () => <AuditPage /> },
  { path: 'about', label: 'nav.about', show: () => <AboutPage /> },
];
