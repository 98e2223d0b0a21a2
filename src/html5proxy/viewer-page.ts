// SPDX-License-Identifier: Apache-2.0
// The page around a browser's client. What it may know of its session stands in its body, as data that no policy runs: an URL
// is kept in histories, shared and photographed.
import type { ConsoleProtocol } from '../objects/console-protocol.js';

/** Where the files of the page are, relative to it. */
export const VIEWER = 'kerbside-viewer';
/** Where the page asks what became of its desktop; {@link Pages} answers. */
export const ENDED_PATH = '/kerbside-ended';

/** Where a native client connects. */
export interface NativeAddress {
  readonly host: string;
  readonly tls_port: number;
  readonly host_subject: string | null;
  /** PEM; null: clients know the CA. */
  readonly ca: string | null;
}

/** What a page is told. */
export interface ViewerSession {
  readonly protocol: ConsoleProtocol;
  /** The console token, a secret; null: the page may have one from before it was loaded again. */
  readonly password: string | null;
  readonly title: string | null;
  /** Seconds for which a session that was lost may be taken up again. */
  readonly grace: number;
  /** null: no native client opens it. */
  readonly native: NativeAddress | null;
  /** What to say when there is no token at all. */
  readonly absent: { readonly title: string; readonly advice: string };
}

/** The page. */
export function viewerPage(session: ViewerSession): string {
  // JSON within HTML: nothing in it may end the element, or begin a comment.
  const data = JSON.stringify(session).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Desktop</title>
<link rel="stylesheet" href="${VIEWER}/viewer.css">
<script type="application/json" id="kerbside-session">${data}</script>
<script type="module" src="${VIEWER}/viewer.js"></script>
</head>
<body>
<div id="viewer">
<p class="first">Opening the desktop …</p>
<p class="late" role="alert">The viewer did not start. Load this page again; if it stays so, use another browser, or tell your administrator.</p>
<noscript><p>A desktop in the browser needs JavaScript.</p></noscript>
</div>
</body>
</html>
`;
}
