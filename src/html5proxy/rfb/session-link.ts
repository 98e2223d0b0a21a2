// SPDX-License-Identifier: Apache-2.0
// The link stage with kerbside-proxy for a VNC console: a main channel of SPICE whose link message says that RFB is wanted on
// it, so that tokens, limits, sessions and audit are those of every desktop. After OK the stream begins with ServerInit.
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { ClientLink, type ClientLinkEvent } from '../../console/spice/client-link.js';
import { capWords } from '../../console/spice/capabilities.js';
import { CHANNEL, COMMON_CAP, LINK_ERR, MAIN_CAP } from '../../console/spice/constants.js';
import { ProtocolError } from '../../console/spice/errors.js';
import { KerbsideException } from '../../exception.js';

/** kerbside-proxy did not open the console. Why is in the records, and for the page to ask. */
export class SessionRefused extends KerbsideException {
  /** @param denied the token opens nothing; else something failed on the way */
  constructor(
    message: string,
    readonly denied: boolean,
  ) {
    super(message);
  }
}

/**
 * Links a stream that is not read from yet; leaves it paused.
 *
 * @param token a secret
 * @param timeout seconds: kerbside-proxy has dialled the machine by then
 * @returns what came behind the result
 * @throws SessionRefused
 */
export function linkSession(stream: Duplex, token: string, timeout: number): Promise<Buffer> {
  const link = new ClientLink({
    ...{ connectionId: 0, channelType: CHANNEL.main, channelId: 0 },
    commonCaps: capWords(COMMON_CAP.PROTOCOL_AUTH_SELECTION, COMMON_CAP.AUTH_SPICE, COMMON_CAP.MINI_HEADER),
    channelCaps: capWords(MAIN_CAP.KERBSIDE_RFB),
  });
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      clearTimeout(deadline);
      stream.pause();
      stream.off('data', onData).off('end', onEnd).off('close', onEnd);
      end();
    };
    const fail = (message: string, denied = false): void =>
      settle(() => {
        stream.destroy();
        reject(new SessionRefused(message, denied));
      });
    const onEnd = (): void => fail('kerbside-proxy closed the connection; its log says why');
    const deadline = setTimeout(() => fail(`no answer within ${timeout} s`), timeout * 1000);
    const handle = (event: ClientLinkEvent): void => {
      switch (event.type) {
        case 'reply':
          stream.write(link.encodeAuth(sealed(event.publicKey, token), event.authSelection));
          return;
        case 'error':
          fail(`link error ${event.code}`);
          return;
        case 'result':
          if (event.code === LINK_ERR.OK) settle(() => resolve(link.rest()));
          else fail(`link result ${event.code}`, event.code === LINK_ERR.PERMISSION_DENIED);
      }
    };
    const onData = (chunk: Buffer): void => {
      try {
        link.push(chunk);
        for (let event = link.next(); event !== null; event = link.next()) handle(event);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        fail(`not kerbside-proxy: ${error.message}`);
      }
    };
    stream.on('data', onData).once('end', onEnd).once('close', onEnd);
    stream.write(link.hello());
    stream.resume();
  });
}

/** As a SPICE client: the text with its zero, RSA-OAEP with SHA-1 [spice-gtk spice-channel.c]. */
function sealed(publicKey: Buffer, token: string): Buffer {
  const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
  return publicEncrypt(
    { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
    Buffer.from(`${token}\0`),
  );
}
