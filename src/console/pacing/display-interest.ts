// SPDX-License-Identifier: Apache-2.0
// Which messages of a display channel the stage that paces it has to see: what tells of the counts of both sides, and what the
// client asks of the server's pictures. While it paces it owns the way down, and sees everything there.
import { unseenBut, type Interest } from '../relay/stage.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';

const { ACK_SYNC, ACK } = CLIENT_MESSAGE.common;
const { INIT, STREAM_REPORT, PREFERRED_COMPRESSION } = CLIENT_MESSAGE.display;

/** What a client sends on a display channel is shorter [spice-server common-graphics-channel.h]. */
const MAX_CLIENT_BODY_BYTES = 1024;

/** From the client. */
export const UP_INTEREST: Interest = {
  bodies: {
    types: new Set([ACK_SYNC, ACK, INIT, STREAM_REPORT, PREFERRED_COMPRESSION]),
    maxBodyBytes: MAX_CLIENT_BODY_BYTES,
  },
};

/** From the server. */
export const DOWN_INTEREST: Interest = {
  headers: { unseen: unseenBut([SERVER_MESSAGE.common.SET_ACK]), maxBodyBytes: Infinity },
};
