// SPDX-License-Identifier: Apache-2.0
// The RFB handshake with a browser on a WebSocket whose session is up already. Then it carries bytes as every other one.
import type { WebSocket } from 'ws';
import { RfbServer } from '../../rfb/server-side.js';
import { RfbFault } from '../../rfb/wire.js';

/** Milliseconds that a browser has for it. */
const DEADLINE_MS = 10_000;
/** RFC 6455, section 7.4.1. */
const PROTOCOL_ERROR = 1002;

/** Who hears of the outcome; one of the two is called, once. */
export interface HandshakeOutcome {
  /** @param rest what the browser has sent behind its handshake */
  done(rest: Buffer): void;
  /** The WebSocket is closed, or is being closed. */
  failed(why: string): void;
}

/** Runs the handshake. */
export function greetBrowser(socket: WebSocket, outcome: HandshakeOutcome): void {
  const server = new RfbServer();
  const settle = (end: () => void): void => {
    clearTimeout(deadline);
    socket.off('message', onMessage).off('close', onClose);
    end();
  };
  const fail = (why: string): void =>
    settle(() => {
      socket.close(PROTOCOL_ERROR);
      outcome.failed(why);
    });
  const onClose = (): void => settle(() => outcome.failed('the browser closed'));
  const advance = (): void => {
    for (let step = server.next(); step !== null; step = server.next()) {
      if (step.kind === 'send') {
        socket.send(step.bytes);
        continue;
      }
      const { rest } = step;
      settle(() => outcome.done(rest));
      return;
    }
  };
  const onMessage = (data: Buffer): void => {
    try {
      server.push(data);
      advance();
    } catch (error) {
      if (!(error instanceof RfbFault)) throw error;
      fail(error.message);
    }
  };
  const deadline = setTimeout(() => fail('no RFB handshake in time'), DEADLINE_MS);
  socket.on('error', () => undefined);
  socket.on('message', onMessage).once('close', onClose);
  advance();
}
