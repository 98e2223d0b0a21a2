// SPDX-License-Identifier: Apache-2.0
// The admin UI: its page and files, and what it needs to know that is not in /v1.
import { Controller, Inject, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { VERSION } from '../../version.js';
import { clientPath } from '../client-view.js';
import { NotFound, ServiceUnavailable } from '../faults.js';
import { Overview } from '../../objects/overview.js';
import { Permission } from '../permission.js';
import { contextOf } from '../request-context.js';
import { ChangeFeed } from '../ui/change-feed.js';
import { UiFiles, type UiFile } from '../ui/files.js';
import { FigureCache } from '../ui/figure-cache.js';
import { OFFERS, type Offers } from '../ui/offers.js';
import { viewFigures } from '../views/ui.js';

/** What the page may do: run its own scripts and styles, and ask this service. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** The build names an asset by what is in it. */
const FOREVER = 'public, max-age=31536000, immutable';

/** `/ui/` */
@Controller()
export class UiController {
  @Inject(Permission) private readonly permission!: Permission;
  @Inject(Overview) private readonly seen!: Overview;

  constructor(
    private readonly files: UiFiles,
    private readonly feed: ChangeFeed,
    private readonly figures: FigureCache,
    @Inject(OFFERS) private readonly offers: Offers,
  ) {}

  /** Leads to the page. */
  enter(@Req() request: Request, @Res() response: Response): void {
    response.redirect(302, clientPath(request, '/ui/'));
  }

  /** The page. */
  page(@Req() request: Request, @Res() response: Response): void {
    if (this.files.page === undefined)
      throw new NotFound('the admin UI is not part of this installation; npm run build makes it');
    response.setHeader('Content-Security-Policy', PAGE_POLICY);
    send(request, response, this.files.page);
  }

  /** A script, a style, a picture. */
  asset(@Param('file') name: string, @Req() request: Request, @Res() response: Response): void {
    const file = this.files.asset(name);
    if (file === undefined) throw new NotFound();
    response.setHeader('Cache-Control', name === 'licenses.md' ? 'no-cache' : FOREVER);
    send(request, response, file);
  }

  /** Who is signed in, and what this site offers. */
  whoami(@Req() request: Request): Record<string, unknown> {
    const { user, admin, groups = [] } = contextOf(request);
    return {
      user: user ?? null,
      admin,
      groups,
      keystone: this.offers.keystone,
      version: user === undefined ? null : VERSION,
      browser_url: user === undefined ? null : this.offers.browserUrl,
    };
  }

  /** The site in figures; for those from whom lists of access keep consoles, what they see. */
  async overview(@Req() request: Request): Promise<Record<string, unknown>> {
    const { sight } = this.permission.scopeBy(request, 'kerbside:consoles:list');
    const figures = sight === undefined ? this.figures.get() : this.seen.figuresOf(sight);
    return viewFigures(await figures);
  }

  /** Tells what has changed, as long as the page listens. */
  events(@Res() response: Response): void {
    if (!this.feed.attach(response)) throw new ServiceUnavailable('too many pages listen; ask again later');
  }
}

function send(request: Request, response: Response, { type, plain, gzip }: UiFile): void {
  response.vary('Accept-Encoding');
  response.setHeader('Content-Type', type);
  const small = request.acceptsEncodings('gzip', 'identity') === 'gzip';
  if (small) response.setHeader('Content-Encoding', 'gzip');
  response.send(small ? gzip : plain);
}
