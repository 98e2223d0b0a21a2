// SPDX-License-Identifier: Apache-2.0
// What this is, which version, and who is signed in.
import type { ReactElement } from 'react';
import { urlOf } from '../api/client.js';
import { useWhoami } from '../api/queries.js';
import { Facts } from '../components/facts.js';
import { LanguageField, ThemeField } from '../components/language-field.js';
import { useSay } from '../settings.js';

/** The page. */
export function AboutPage(): ReactElement {
  const say = useSay();
  const { data } = useWhoami();
  return (
    <>
      <h1>{say('nav.about')}</h1>
      <p>{say('about.what')}</p>
      <Facts
        of={[
          [say('about.version'), data?.version],
          [say('about.user'), data?.user],
          [say('about.role'), say(data?.admin === true ? 'about.admin' : 'about.operator')],
          [say('about.api'), <code key="api">{urlOf('v1/')}</code>],
        ]}
      />
      <p>
        <a href={urlOf('openapi.json')}>{say('about.apiDocument')}</a>
        {' · '}
        <a href="./assets/licenses.md">{say('about.licenses')}</a>
      </p>
      <div className="search">
        <LanguageField />
        <ThemeField />
      </div>
    </>
  );
}
