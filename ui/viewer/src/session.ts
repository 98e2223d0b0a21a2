// SPDX-License-Identifier: Apache-2.0
// What the page knows of its session: from its body, or, when it was loaded again, from what this tab has kept. Its URL loses the
// token: histories and shared links must not have it.

/** What the server has written into the page: ViewerSession of src/html5proxy/viewer-page.ts. */
export interface Session {
  readonly protocol: 'spice' | 'vnc';
  readonly password: string | null;
  readonly title: string | null;
  /** Seconds for which a session that was lost may be taken up again. */
  readonly grace: number;
  readonly native: NativeAddress | null;
  readonly absent: { readonly title: string; readonly advice: string };
}

/** Where a native client connects. */
export interface NativeAddress {
  readonly host: string;
  readonly tls_port: number;
  readonly host_subject: string | null;
  readonly ca: string | null;
}

interface Kept {
  readonly password: string;
  readonly title: string | null;
}

/** Reads it. @throws when the page has none */
export function readSession(): Session {
  const text = document.getElementById('kerbside-session')?.textContent ?? '';
  const told = JSON.parse(text) as Session;
  // One for each page and protocol: a tab may have been sent from one to the other.
  const place = `kerbside-session ${location.pathname}`;
  const kept = told.password === null ? recall(place) : null;
  const session: Session = kept === null ? told : { ...told, ...kept };
  if (session.password !== null) keep(place, { password: session.password, title: session.title });
  history.replaceState(null, '', location.pathname);
  return session;
}

// A frame of another site may have no storage: then a page that is loaded again has no session.
function keep(place: string, kept: Kept): void {
  try {
    sessionStorage.setItem(place, JSON.stringify(kept));
  } catch {
    return;
  }
}

function recall(place: string): Kept | null {
  try {
    return JSON.parse(sessionStorage.getItem(place) ?? 'null') as Kept | null;
  } catch {
    return null;
  }
}
