// SPDX-License-Identifier: Apache-2.0
// The versions document (API-SIG, "Version Discovery"): the same at `/` and at `/v1/`.
import { MINORS, versionText } from '../../microversion.js';
import { selfLink } from './links.js';

/** The one version that there is. @param base of the API */
export function viewVersions(base: string): Record<string, unknown>[] {
  return [
    {
      id: 'v1.0',
      status: 'CURRENT',
      min_version: versionText(MINORS.min),
      max_version: versionText(MINORS.max),
      links: [selfLink(`${base}/v1/`), { rel: 'collection', href: `${base}/` }],
    },
  ];
}
