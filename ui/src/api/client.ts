// SPDX-License-Identifier: Apache-2.0
// Requests to the API, below whose path this page lies. The login is a cookie that no script can read; what changes something
// repeats the other cookie in a header.
import type { Schemas } from './types.js';

/** What the API answers when it does not do it. */
export class ApiFault extends Error {
  constructor(
    /** 0: no answer came. */
    readonly status: number,
    message: string,
    readonly requestId: string | null,
  ) {
    super(message);
  }
}

/** Whether a desktop is not opened because somebody else has it open. */
export function isInUse(error: unknown): boolean {
  return error instanceof ApiFault && error.status === 409 && error.message === 'console in use';
}

/** How long an answer may take, ms. */
const PATIENCE_MS = 30_000;
const CSRF = /(?:^|; )csrf_access_token=([^;]*)/;

let onSignedOut: () => void = () => undefined;

/** Says who is told that a request was refused because nobody is signed in. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/** The URL of a path of the API, such as `v1/consoles`. */
export function urlOf(path: string): string {
  return new URL(`../${path}`, document.baseURI).href;
}

/** Asks. @throws ApiFault */
export async function ask<T>(
  path: string,
  o: { readonly method?: string; readonly body?: unknown; readonly signal?: AbortSignal } = {},
): Promise<T> {
  const text = await askText(path, o);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Asks for a text. @throws ApiFault */
export async function askText(
  path: string,
  {
    method = 'GET',
    body,
    signal,
  }: { readonly method?: string; readonly body?: unknown; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const csrf = CSRF.exec(document.cookie)?.[1];
  let response: Response;
  try {
    response = await fetch(urlOf(path), {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      headers: {
        Accept: 'application/json',
        'OpenStack-API-Version': 'console latest',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(method === 'GET' || csrf === undefined ? {} : { 'X-CSRF-TOKEN': csrf }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiFault(0, '', null);
  }
  const text = await response.text();
  if (response.ok) return text;
  const fault = faultOf(response, text);
  if (fault.status === 401 && path !== 'auth') onSignedOut();
  throw fault;
}

function faultOf(response: Response, text: string): ApiFault {
  const id = response.headers.get('X-Openstack-Request-Id');
  try {
    const body = JSON.parse(text) as Partial<Schemas['Errors'] & Schemas['Error']>;
    return new ApiFault(response.status, body.errors?.[0]?.detail ?? body.error ?? response.statusText, id);
  } catch {
    return new ApiFault(response.status, response.statusText, id);
  }
}

/** The marker of the next page of a listing of /v1; undefined: there is none. */
export function nextMarker(
  links: readonly { readonly rel: string; readonly href: string }[] | undefined,
): string | undefined {
  const next = links?.find(({ rel }) => rel === 'next');
  return next === undefined ? undefined : (new URL(next.href).searchParams.get('marker') ?? undefined);
}
