// SPDX-License-Identifier: Apache-2.0
// The .vv file that leads through the proxy, for every way to ask for it.
import type { Response } from 'express';
import type { Conf } from '../conf/index.js';
import type { ConsoleSettings } from '../objects/console-settings.js';
import type { CaCertificate } from '../tls/ca-certificate.js';
import { VIRT_VIEWER_TYPE, virtViewerFile } from './views/virt-viewer.js';

/** A session that a file opens. `token` is a secret. */
export interface FileSession {
  readonly source: string;
  readonly uuid: string;
  readonly name: string | null;
  readonly sessionId: string;
  readonly token: string;
  /** Epoch seconds. */
  readonly expires: number;
}

/** Where clients reach the proxy. */
export interface PublicAddress {
  readonly host: string;
  /** The plain port; undefined: left out. */
  readonly port: number | undefined;
  readonly tlsPort: number;
  /** The subject of its certificate; undefined: clients go by the host's name. */
  readonly hostSubject: string | undefined;
  /** PEM; undefined: clients know the CA. */
  readonly ca: string | undefined;
}

/** Makes the files. */
export class ConsoleFiles {
  constructor(
    private readonly spice: Conf['spice'],
    private readonly ca: CaCertificate,
    private readonly settings: Pick<ConsoleSettings, 'guestPolicyValues'>,
  ) {}

  /** Where clients reach the proxy now. */
  async address(): Promise<PublicAddress> {
    const { publicFqdn, advertiseInsecurePort, publicInsecurePort, publicSecurePort, hostSubject } =
      this.spice;
    return {
      host: publicFqdn,
      port: advertiseInsecurePort && publicInsecurePort !== 0 ? publicInsecurePort : undefined,
      tlsPort: publicSecurePort,
      hostSubject: hostSubject === '' ? undefined : hostSubject,
      ca: await this.ca.pem(),
    };
  }

  /** The text of a file. It does not offer what the guest data policy of its console forbids. */
  async text(session: FileSession): Promise<string> {
    return virtViewerFile({
      guestPolicy: await this.settings.guestPolicyValues(session.source, session.uuid),
      ...(await this.address()),
      password: session.token,
      title: `${session.name ?? session.uuid} via proxy session ID ${session.sessionId}`,
      validUntil: session.expires,
    });
  }
}

/** Answers with a file. */
export function sendConsoleFile(response: Response, text: string): void {
  // Not response.send(): Express would rewrite the charset of the media type, or, given bytes, have Node write the file
  // apart from its headers.
  response.writeHead(response.statusCode, {
    'Content-Type': VIRT_VIEWER_TYPE,
    'Content-Length': Buffer.byteLength(text, 'utf8'),
  });
  response.end(text, 'utf8');
}
