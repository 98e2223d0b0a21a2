// SPDX-License-Identifier: Apache-2.0
// Keeps what is shown up to date: the service says what has changed, and that is read again. While it cannot, everything
// that is on screen is read again every few seconds.
import type { QueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { urlOf } from './client.js';

/** How often is read again without a stream, s. */
export const POLL_SECONDS = 10;

/** Listens as long as the component is there. @returns whether the service says what has changed */
export function useLive(client: QueryClient): boolean {
  const [live, setLive] = useState(false);
  useEffect(() => {
    let stream: EventSource | undefined;
    let again: number | undefined;
    const open = (): void => {
      const source = new EventSource(urlOf('ui/events'));
      stream = source;
      source.addEventListener('hello', () => {
        setLive(true);
        // What was missed while nobody listened.
        void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'whoami' });
      });
      source.addEventListener('change', ({ data }: MessageEvent<string>) => {
        const topics = JSON.parse(data) as string[];
        void client.invalidateQueries({ predicate: ({ queryKey }) => topics.includes(String(queryKey[0])) });
      });
      source.addEventListener('error', () => {
        setLive(false);
        // Refused for good: the browser does not try again by itself.
        if (source.readyState === EventSource.CLOSED)
          again = window.setTimeout(open, 3 * POLL_SECONDS * 1000);
      });
    };
    open();
    return () => {
      stream?.close();
      window.clearTimeout(again);
    };
  }, [client]);
  useEffect(() => {
    if (live) return undefined;
    const poll = window.setInterval(() => {
      if (document.visibilityState === 'visible')
        void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'whoami' });
    }, POLL_SECONDS * 1000);
    return () => window.clearInterval(poll);
  }, [client, live]);
  return live;
}
