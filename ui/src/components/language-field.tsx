// SPDX-License-Identifier: Apache-2.0
// The choices of a viewer.
import type { ReactElement } from 'react';
import { changeSettings, useSay, useSettings, type Theme } from '../settings.js';
import { LANGUAGE_NAMES } from '../strings/index.js';
import { SelectField } from './fields.js';

/** The language of the page. */
export function LanguageField(): ReactElement {
  return (
    <SelectField
      label={useSay()('app.language')}
      value={useSettings().language}
      options={LANGUAGE_NAMES}
      onChange={(language) => changeSettings({ language })}
    />
  );
}

const THEMES = ['auto', 'light', 'dark'] as const satisfies readonly Theme[];

/** Light or dark. */
export function ThemeField(): ReactElement {
  const say = useSay();
  return (
    <SelectField
      label={say('app.theme')}
      value={useSettings().theme}
      options={THEMES.map((theme) => [theme, say(`app.theme.${theme}`)])}
      onChange={(value) => changeSettings({ theme: THEMES.find((theme) => theme === value) ?? 'auto' })}
    />
  );
}
