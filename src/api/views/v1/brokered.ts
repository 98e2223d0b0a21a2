// SPDX-License-Identifier: Apache-2.0
// What the broker call answers: the session that may begin, where to connect, and the link to the .vv file.
import type { ConsoleProtocol } from '../../../objects/console-protocol.js';
import type { PublicAddress } from '../../console-files.js';
import { consoleId } from './console.js';
import { selfLink } from './links.js';
import { isoTime } from './time.js';

/** A session that may begin. `key` is the secret of its link. */
export interface Brokered {
  readonly source: string;
  readonly uuid: string;
  readonly name: string | null;
  readonly projectId: string | null;
  readonly sessionId: string;
  readonly key: string;
  /** Epoch seconds. */
  readonly expires: number;
  readonly protocol: ConsoleProtocol;
  /** The page that opens it in the browser; null: there is none. A secret. */
  readonly browserUrl: string | null;
}

/** A brokered console. One of its two links can be used, once: the SPICE password is in the file, or in the page, alone. @param base of the API */
export function viewBrokered(
  brokered: Brokered,
  address: PublicAddress,
  base: string,
): Record<string, unknown> {
  const session = `${base}/v1/sessions/${brokered.sessionId}`;
  const id = consoleId(brokered);
  return {
    id,
    session_id: brokered.sessionId,
    source: brokered.source,
    instance_uuid: brokered.uuid,
    name: brokered.name,
    project_id: brokered.projectId,
    expires_at: isoTime(brokered.expires),
    connection: {
      protocol: brokered.protocol,
      host: address.host,
      port: address.port ?? null,
      tls_port: address.tlsPort,
      host_subject: address.hostSubject ?? null,
      ca: address.ca ?? null,
    },
    links: [
      selfLink(`${base}/v1/consoles/${id}`),
      { rel: 'session', href: session },
      ...(brokered.protocol === 'vnc'
        ? []
        : [
            {
              rel: 'console_file',
              href: `${session}/console.vv?key=${brokered.key}`,
              type: 'application/x-virt-viewer',
            },
          ]),
      ...(brokered.browserUrl === null
        ? []
        : [{ rel: 'console_browser', href: brokered.browserUrl, type: 'text/html' }]),
    ],
  };
}
