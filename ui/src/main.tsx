// SPDX-License-Identifier: Apache-2.0
// Starts the UI.
import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiFault } from './api/client.js';
import { App } from './app.js';
import { Notices } from './components/notice.js';
import './styles.css';

/** Answers are not asked for again: the service says when they have changed. */
const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      retry: (count, error) =>
        count < 2 && (!(error instanceof ApiFault) || error.status === 0 || error.status === 503),
    },
    mutations: { networkMode: 'always' },
  },
});

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no place for the UI');
createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={client}>
        <Notices>
          <App />
        </Notices>
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
