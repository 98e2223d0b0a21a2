// SPDX-License-Identifier: Apache-2.0
// What the sender of an agent message waits for when the message does not reach the other side, and what of that is waited
// for now: an empty clipboard, the end of a file.
import { AGENT_MESSAGE, agentMessage, FILE_STATUS } from '../spice/agent-protocol.js';

/** Requests and files of which is remembered that they are under way; of more, the oldest are forgotten. */
const MAX_REMEMBERED = 64;
/** u32 type; with a selection, u8 selection and three bytes before it. */
const REQUEST_BYTES = 4;
const SELECTION_BYTES = 4;

/** The answer to the data of a CLIPBOARD_REQUEST: `VD_AGENT_CLIPBOARD_NONE`, with its selection where it has one. */
export function emptyClipboard(request: Buffer): Buffer {
  const selected = request.length >= SELECTION_BYTES + REQUEST_BYTES;
  const data = Buffer.alloc(selected ? SELECTION_BYTES + 4 : 4);
  if (selected) request.copy(data, 0, 0, 1);
  return agentMessage(AGENT_MESSAGE.CLIPBOARD, data);
}

/** The end of a file, by its id. */
export function fileStatus(id: number, status: number): Buffer {
  const data = Buffer.alloc(8);
  data.writeUInt32LE(id, 0);
  data.writeUInt32LE(status, 4);
  return agentMessage(AGENT_MESSAGE.FILE_XFER_STATUS, data);
}

/** Requests of one side that have gone to the other one, and are not answered. */
export class OpenRequests {
  private waiting: Buffer[] = [];

  /** A request has passed. @param data of the message */
  asked(data: Buffer): void {
    if (this.waiting.length >= MAX_REMEMBERED) this.waiting.shift();
    this.waiting.push(emptyClipboard(data));
  }

  /** The other side answers. */
  answered(): void {
    this.waiting.shift();
  }

  /** The answers that are due when nothing else will come. */
  takeAll(): Buffer[] {
    const all = this.waiting;
    this.waiting = [];
    return all;
  }
}

/** Files that are on their way to the guest. */
export class OpenFiles {
  private readonly ids = new Set<number>();

  /** A FILE_XFER_START has passed. */
  started(id: number): void {
    const [oldest] = this.ids;
    if (this.ids.size >= MAX_REMEMBERED && oldest !== undefined) this.ids.delete(oldest);
    this.ids.add(id);
  }

  /** One side has said how a file stands. */
  said(id: number, status: number): void {
    if (status !== FILE_STATUS.CAN_SEND_DATA) this.ids.delete(id);
  }

  /** Forgets all; gives the end of each. */
  cancelAll(): Buffer[] {
    const ends = [...this.ids].map((id) => fileStatus(id, FILE_STATUS.CANCELLED));
    this.ids.clear();
    return ends;
  }
}
