// SPDX-License-Identifier: Apache-2.0
// Where the viewer is: the part of the URL behind #, a path and a query. The server never sees it, so that the page is one
// file below whatever path a proxy has it.
import { useSyncExternalStore } from 'react';
import { linkTo, placeOf, type Place } from './place-text.js';

/** The place, and again when it changes. */
export function usePlace(): Place {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  return placeOf(hash);
}

/** Writes another query behind the path, without a step in the history. */
export function changeQuery(place: Place, change: Readonly<Record<string, string | undefined>>): void {
  const to = linkTo(place.path, { ...place.query, ...change });
  window.history.replaceState(null, '', to);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}
