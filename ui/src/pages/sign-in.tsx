// SPDX-License-Identifier: Apache-2.0
// Signing in: a local user, a user of Keystone, or an application credential of Keystone.
import { useState, type ReactElement, type SubmitEvent } from 'react';
import { ApiFault, ask } from '../api/client.js';
import { SelectField, TextField } from '../components/fields.js';
import { LanguageField } from '../components/language-field.js';
import { useSay, type Say } from '../settings.js';

type Way = 'password' | 'credential';

/** The form. @param props.expired there was a login, and it is over */
export function SignInPage(props: {
  readonly keystone: boolean;
  readonly expired: boolean;
  readonly onSignedIn: () => void;
}): ReactElement {
  const say = useSay();
  const [way, setWay] = useState<Way>('password');
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);

  const submit = async (event: SubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const body = bodyOf(new FormData(event.currentTarget));
    setBusy(true);
    setFault(null);
    try {
      await ask('auth', { method: 'POST', body });
      props.onSignedIn();
    } catch (error) {
      setFault(faultText(error, say));
      setBusy(false);
    }
  };
  return (
    <main className="sign-in" id="content">
      <form onSubmit={(event) => void submit(event)}>
        <h1>{say('signIn.title')}</h1>
        {props.expired ? <p role="status">{say('signIn.expired')}</p> : null}
        {props.keystone ? (
          <SelectField
            label={say('signIn.way')}
            value={way}
            options={[
              ['password', say('signIn.way.password')],
              ['credential', say('signIn.way.credential')],
            ]}
            onChange={(value) => setWay(value === 'credential' ? 'credential' : 'password')}
          />
        ) : null}
        {way === 'password' ? <PasswordFields keystone={props.keystone} /> : <CredentialFields />}
        {fault === null ? null : (
          <p className="fault" role="alert">
            {fault}
          </p>
        )}
        <button type="submit" className="solid" disabled={busy}>
          {say(busy ? 'signIn.busy' : 'signIn.submit')}
        </button>
        <LanguageField />
      </form>
    </main>
  );
}

function PasswordFields({ keystone }: { readonly keystone: boolean }): ReactElement {
  const say = useSay();
  return (
    <>
      <TextField
        label={say('signIn.username')}
        name="username"
        autoComplete="username"
        required
        maxLength={255}
        autoFocus
      />
      <TextField
        label={say('signIn.password')}
        name="password"
        type="password"
        autoComplete="current-password"
        required
        maxLength={1024}
      />
      {keystone ? (
        <details>
          <summary>{say('signIn.more')}</summary>
          <TextField label={say('signIn.domain')} name="user_domain_name" maxLength={255} />
          <TextField label={say('signIn.project')} name="project_name" maxLength={255} />
        </details>
      ) : null}
    </>
  );
}

function CredentialFields(): ReactElement {
  const say = useSay();
  return (
    <>
      <TextField
        label={say('signIn.credentialId')}
        name="application_credential_id"
        autoComplete="off"
        required
        maxLength={255}
      />
      <TextField
        label={say('signIn.credentialSecret')}
        name="application_credential_secret"
        type="password"
        autoComplete="off"
        required
        maxLength={1024}
      />
    </>
  );
}

/** The body of POST /auth: what was filled in. A project is one of the user's domain. */
function bodyOf(form: FormData): Record<string, string | boolean> {
  const filled = [...form].filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
  );
  const body: Record<string, string | boolean> = { ...Object.fromEntries(filled), as_cookie: true };
  const domain = body['user_domain_name'];
  return body['project_name'] !== undefined && domain !== undefined
    ? { ...body, project_domain_name: domain }
    : body;
}

function faultText(error: unknown, say: Say): string {
  if (!(error instanceof ApiFault) || error.status === 0) return say('fault.network');
  if (error.status === 401) return say('signIn.refused');
  return error.status === 429 ? say('signIn.limited') : error.message;
}
