// SPDX-License-Identifier: Apache-2.0
// The frame around the pages: the menu, who is signed in, and whether what is shown is up to date.
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactElement } from 'react';
import { ask, whenSignedOut } from './api/client.js';
import { POLL_SECONDS, useLive } from './api/live.js';
import { useWhoami } from './api/queries.js';
import { Empty, Fault, Loading } from './components/state.js';
import { PAGES } from './pages/table.js';
import { SignInPage } from './pages/sign-in.js';
import { usePlace } from './place.js';
import { linkTo } from './place-text.js';
import { useSay } from './settings.js';

/** The UI: the form to sign in for strangers, the pages for all others. */
export function App(): ReactElement {
  const client = useQueryClient();
  const { data, error, isPending, refetch } = useWhoami();
  const [expired, setExpired] = useState(false);
  useEffect(() => {
    whenSignedOut(() => {
      setExpired(true);
      void client.invalidateQueries({ queryKey: ['whoami'] });
    });
  }, [client]);
  if (isPending) return <Loading />;
  if (data === undefined) return <Fault error={error} retry={() => void refetch()} />;
  if (data.user !== null) return <Frame user={data.user} onLeave={() => setExpired(false)} />;
  return <SignInPage keystone={data.keystone} expired={expired} onSignedIn={() => void begin(client)} />;
}

/** Somebody else looks at the page from now on: nothing is left of what was shown. */
async function begin(client: QueryClient): Promise<void> {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'whoami' });
  await client.resetQueries({ queryKey: ['whoami'] });
}

function Frame({ user, onLeave }: { readonly user: string; readonly onLeave: () => void }): ReactElement {
  const say = useSay();
  const client = useQueryClient();
  const live = useLive(client);
  const leave = async (): Promise<void> => {
    await ask('auth', { method: 'DELETE' }).catch(() => undefined);
    onLeave();
    await begin(client);
  };
  return (
    <div className="frame">
      <a className="skip" href="#content" onClick={(event) => skip(event)}>
        {say('app.skip')}
      </a>
      <header>
        <a className="brand" href={linkTo([])}>
          {say('app.name')}
        </a>
        <Menu />
        <div className="who">
          <span className={live ? 'live on' : 'live'} role="status">
            {live ? say('app.live') : say('app.polling', { seconds: POLL_SECONDS })}
          </span>
          <span className="user">{user}</span>
          <button type="button" onClick={() => void leave()}>
            {say('app.signOut')}
          </button>
        </div>
      </header>
      <Content />
    </div>
  );
}

function Menu(): ReactElement {
  const say = useSay();
  const { path } = usePlace();
  const nav = useRef<HTMLElement>(null);
  const first = path[0] ?? '';
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [first]);
  return (
    <nav ref={nav} aria-label={say('app.pages')}>
      <ul>
        {PAGES.map((page) => (
          <li key={page.path}>
            <a
              href={linkTo(page.path === '' ? [] : [page.path])}
              aria-current={page.path === first ? 'page' : undefined}
            >
              {say(page.label)}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Content(): ReactElement {
  const say = useSay();
  const place = usePlace();
  const main = useRef<HTMLElement>(null);
  const [first = '', ...rest] = place.path;
  const page = PAGES.find(({ path }) => path === first);
  const at = place.path.join('/');
  const before = useRef(at);
  useEffect(() => {
    document.title = `${page === undefined ? '' : `${say(page.label)} · `}${say('app.name')}`;
    if (before.current === at) return;
    before.current = at;
    // Whoever does not see the page is told that it is another one.
    main.current?.focus();
    window.scrollTo(0, 0);
  });
  const shown = rest.length === 0 ? page?.show() : page?.detail?.(rest);
  return (
    <main id="content" ref={main} tabIndex={-1}>
      {shown ?? (
        <>
          <h1>{say('app.notFound')}</h1>
          <Empty>
            <a href={linkTo([])}>{say('app.toOverview')}</a>
          </Empty>
        </>
      )}
    </main>
  );
}

/** The place stands behind the # of the URL: the link must not change it. */
function skip(event: { preventDefault(): void }): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}
