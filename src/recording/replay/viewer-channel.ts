// SPDX-License-Identifier: Apache-2.0
// One channel of the viewer that a recording is played to: the link stage of a SPICE server that takes any ticket, then
// messages out, and what the viewer says in.
import type { Socket } from 'node:net';
import type { TicketKey } from '../../console/listener/ticket-key.js';
import { ClientMessages, type ClientMessage } from '../../console/spice/client-messages.js';
import { CHANNEL, LINK_ERR } from '../../console/spice/constants.js';
import {
  encodeLinkError,
  encodeLinkReply,
  encodeLinkResult,
  type LinkMess,
} from '../../console/spice/link-message.js';
import { messageHeader } from '../../console/spice/message-header.js';
import { CLIENT_MESSAGE } from '../../console/spice/message-types.js';
import { ServerLink } from '../../console/spice/server-link.js';

/** AUTH_SELECTION, AUTH_SPICE, MINI_HEADER. */
const COMMON_CAPS = [0xb];
/** Bytes that may wait for a viewer that does not read. */
const HIGH_BYTES = 4 * 1024 * 1024;
const LINK_TIMEOUT_MS = 10_000;
const KEEP = { types: new Set<number>([CLIENT_MESSAGE.inputs.KEY_DOWN]), maxBytes: 16 };

/** A linked channel. */
export class ViewerChannel {
  private serial = 0n;
  private over = false;

  constructor(
    readonly socket: Socket,
    readonly message: LinkMess,
    private readonly miniHeader: boolean,
  ) {
    socket.once('close', () => (this.over = true));
  }

  get closed(): boolean {
    return this.over;
  }

  /** Sends a message; resolves when the viewer may be sent more. */
  async send(type: number, body: Buffer, subList = 0): Promise<void> {
    if (this.over) return;
    this.serial += 1n;
    const header = messageHeader(this.miniHeader, { type, size: body.length, serial: this.serial, subList });
    this.socket.cork();
    this.socket.write(header);
    this.socket.write(body);
    this.socket.uncork();
    if (this.socket.writableLength < HIGH_BYTES) return;
    await new Promise<void>((resolve) => {
      this.socket.once('drain', resolve);
      this.socket.once('close', resolve);
    });
  }

  /** Reads what the viewer says. */
  listen(rest: Buffer, told: (message: ClientMessage) => void): void {
    const messages = new ClientMessages(this.miniHeader, KEEP);
    const take = (chunk: Buffer): void => {
      try {
        for (const message of messages.push(chunk)) told(message);
      } catch {
        this.socket.destroy();
      }
    };
    this.socket.on('data', take);
    if (rest.length > 0) take(rest);
  }

  /** Ends the channel behind what was sent. */
  end(): void {
    this.socket.end();
    this.socket.destroySoon();
  }
}

/** What the server knows of a channel that is asked for; null: there is none, or not now. */
export type CapsOf = (message: LinkMess) => readonly number[] | null;

/**
 * Links one connection of a viewer; null: it went away, or asked for what there is not.
 *
 * @returns the channel, and what the viewer sent behind its ticket
 */
export function linkViewer(
  socket: Socket,
  key: TicketKey,
  capsOf: CapsOf,
): Promise<{ readonly channel: ViewerChannel; readonly rest: Buffer } | null> {
  const link = new ServerLink();
  let found: { message: LinkMess; miniHeader: boolean } | null = null;
  return new Promise((resolve) => {
    const giveUp = (reply: Buffer | null): void => {
      if (reply !== null) socket.write(reply);
      socket.end();
      resolve(null);
    };
    const late = setTimeout(() => socket.destroy(), LINK_TIMEOUT_MS);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(late);
      resolve(null);
    });
    const take = (chunk: Buffer): void => {
      link.push(chunk);
      for (let event = link.next(); event !== null; event = link.next()) {
        switch (event.type) {
          case 'reject':
            giveUp(event.reply);
            return;
          case 'link': {
            const caps = capsOf(event.message);
            if (caps === null) {
              giveUp(event.message.channelType === CHANNEL.main ? encodeLinkError(LINK_ERR.ERROR) : null);
              return;
            }
            found = event;
            socket.write(
              encodeLinkReply({
                ...{ publicKey: key.publicKey, commonCaps: COMMON_CAPS, channelCaps: [...caps] },
              }),
            );
            break;
          }
          case 'ticket':
            if (found === null) return;
            clearTimeout(late);
            socket.off('data', take);
            socket.write(encodeLinkResult(LINK_ERR.OK));
            resolve({
              channel: new ViewerChannel(socket, found.message, found.miniHeader),
              rest: link.rest(),
            });
            return;
        }
      }
    };
    socket.on('data', take);
  });
}
