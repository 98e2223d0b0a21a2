// SPDX-License-Identifier: Apache-2.0
// [cors]: pages of other sites that may call the REST service from a browser; the options of oslo.middleware's cors.
import type { GroupSpec } from './types.js';

/** The options of [cors]. */
export const CORS_GROUP = {
  name: 'cors',
  help:
    'Pages of other sites, such as a portal, that may call the REST service from a browser (cross-origin resource sharing). ' +
    'The options are those of oslo.middleware. Off unless allowed_origin names a site.',
  options: {
    allowed_origin: {
      type: 'list',
      item: 'word',
      default: [],
      minItems: 0,
      help:
        'The sites whose pages may call the REST service and read its answers, such as https://portal.example.org:8443: ' +
        'scheme, host and port, without a slash at the end. * means any site; then credentials of the browser are ' +
        'not taken.',
    },
    allow_credentials: {
      type: 'boolean',
      default: true,
      help: 'Whether a browser may send what it has by itself: cookies and client certificates.',
    },
    expose_headers: {
      type: 'list',
      item: 'word',
      default: [
        'X-Openstack-Request-Id',
        'OpenStack-API-Version',
        'OpenStack-API-Minimum-Version',
        'OpenStack-API-Maximum-Version',
        'Link',
        'Location',
        'Retry-After',
      ],
      minItems: 0,
      help: 'The headers of an answer that such a page may read, beside those that every page may.',
    },
    max_age: {
      type: 'integer',
      unit: 'seconds',
      default: 3600,
      min: 0,
      max: 86400,
      help: 'How long a browser may go by the answer to a preflight request before it asks again.',
    },
    allow_methods: {
      type: 'list',
      item: 'word',
      default: ['GET', 'HEAD', 'POST', 'DELETE'],
      minItems: 1,
      help: 'The methods that such a page may use.',
    },
    allow_headers: {
      type: 'list',
      item: 'word',
      default: [
        'Accept',
        'Authorization',
        'Content-Type',
        'OpenStack-API-Version',
        'X-Auth-Token',
        'X-CSRF-TOKEN',
      ],
      minItems: 0,
      help: 'The headers that such a page may send.',
    },
  },
} as const satisfies GroupSpec;
