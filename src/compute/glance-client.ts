// SPDX-License-Identifier: Apache-2.0
// The client of one Glance: reads the properties of an image, which Nova does not show since 32.0 (2025.2). The service's own
// token is renewed once when Glance rejects it.
import { Unavailable } from '../exception.js';
import { HttpFault, type HttpAnswer } from '../identity/http-client.js';
import { membersOf, type Members } from './instance.js';
import { placeOf, type ComputeSession } from './nova-http.js';

/** Glance, or the way to it, does not do its part at the moment. */
export class GlanceUnavailable extends Unavailable {}

/** The Glance behind one session. */
export class GlanceClient {
  constructor(private readonly session: ComputeSession) {}

  /**
   * The members of an image, its properties among them (Image API v2, `GET /v2/images/{id}`); null when there is no such image.
   * @throws Unavailable when Glance does not answer as Glance, or does not let the service see the image
   */
  async image(id: string, signal: AbortSignal): Promise<Members | null> {
    const url = await this.session.endpoint('image');
    const base = url.replace(/\/+$/, '').replace(/\/v2$/, '');
    const first = await this.session.token();
    let answer = await this.send(base, id, first, signal);
    if (answer.status === 401) {
      this.session.invalidate(first);
      answer = await this.send(base, id, await this.session.token(), signal);
    }
    if (answer.status === 404) return null;
    const image = answer.status === 200 ? membersOf(answer.json) : null;
    if (image !== null) return image;
    throw new GlanceUnavailable(
      `Glance at ${placeOf(base)} answered ${String(answer.status)}, which was not expected`,
    );
  }

  private async send(base: string, id: string, token: string, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      const url = `${base}/v2/images/${encodeURIComponent(id)}`;
      return await this.session.http.send({ method: 'GET', url, headers: { 'X-Auth-Token': token }, signal });
    } catch (error) {
      if (!(error instanceof HttpFault)) throw error;
      throw new GlanceUnavailable(`Glance at ${placeOf(base)}: ${error.reason}`);
    }
  }
}
