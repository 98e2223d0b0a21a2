// SPDX-License-Identifier: Apache-2.0
// The URLs at which the original has pages for browsers: they lead to those of the admin UI. It asks for a login where it
// takes one, and comes back.
import type { NextFunction, Request, Response } from 'express';
import { namesHtml } from '../accept.js';
import { clientPath } from '../client-view.js';

const PAGES: Readonly<Record<string, string>> = {
  '/': '/ui/',
  '/source': '/ui/#/sources',
  '/console': '/ui/#/consoles',
  '/session': '/ui/#/sessions',
};
const AUDIT = /^\/console\/([^/]+)\/([^/]+)\/audit$/;

/** Where the page of a path is; undefined: it has none. @param path as the client has written it, without the query */
export function pageOf(path: string): string | undefined {
  const [, source, uuid] = AUDIT.exec(path) ?? [];
  return source === undefined || uuid === undefined
    ? Object.hasOwn(PAGES, path)
      ? PAGES[path]
      : undefined
    : `/ui/#/consoles/${source}/${uuid}`;
}

/** Sends browsers there. */
export function browserPages(request: Request, response: Response, next: NextFunction): void {
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const page = reads && namesHtml(request.headers.accept) ? pageOf(request.path) : undefined;
  if (page === undefined) next();
  else response.redirect(302, clientPath(request, page));
}
