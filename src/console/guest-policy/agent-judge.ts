// SPDX-License-Identifier: Apache-2.0
// What becomes of the agent messages of one direction, and of whoever waits for an answer to those that go no further.
import type { Direction } from '../relay/stage.js';
import { AGENT_MESSAGE, FILE_STATUS } from '../spice/agent-protocol.js';
import { emptyClipboard, fileStatus, OpenFiles, OpenRequests } from './agent-answers.js';
import { AgentCaps } from './agent-caps.js';
import type { AgentRules } from './agent-rules.js';
import type { AgentJudge, Fate } from './agent-stream.js';
import type { DropCounts } from './drop-counts.js';
import { clipConfig } from './monitors.js';

/** Bytes of the largest announcement that is read: of 16 words. */
const ANNOUNCEMENT_BYTES = 4 + 4 * 16;
const SEEN: Readonly<Record<number, number>> = {
  [AGENT_MESSAGE.ANNOUNCE_CAPABILITIES]: ANNOUNCEMENT_BYTES,
  [AGENT_MESSAGE.CLIPBOARD_REQUEST]: 8,
  [AGENT_MESSAGE.FILE_XFER_START]: 4,
  [AGENT_MESSAGE.FILE_XFER_STATUS]: 8,
  [AGENT_MESSAGE.FILE_XFER_DATA]: 4,
};

/** The other direction. */
export const OTHER = { up: 'down', down: 'up' } as const;

/** What both directions know together. */
export class AgentConversation {
  readonly caps = new AgentCaps();
  readonly files = new OpenFiles();
  readonly requests: Readonly<Record<Direction, OpenRequests>> = {
    up: new OpenRequests(),
    down: new OpenRequests(),
  };

  /** @param rules that hold now */
  constructor(public rules: AgentRules) {}

  /** Another agent knows nothing of what was said to the last one. */
  forget(): void {
    this.caps.forget();
    this.files.cancelAll();
    this.requests.up.takeAll();
    this.requests.down.takeAll();
  }

  /** What is due when other rules hold: ends and empty answers of what they forbid, and announcements. */
  change(rules: AgentRules): Record<Direction, Buffer[]> {
    this.rules = rules;
    const due: Record<Direction, Buffer[]> = { up: [], down: [] };
    if (!rules.toGuest) due.up.push(...this.requests.down.takeAll());
    if (!rules.fromGuest) due.down.push(...this.requests.up.takeAll());
    if (!rules.files) {
      const ends = this.files.cancelAll();
      due.up.push(...ends);
      due.down.push(...ends);
    }
    for (const direction of ['up', 'down'] as const) {
      const announcement = this.caps.again(direction, rules);
      if (announcement !== null) due[direction].push(announcement);
    }
    return due;
  }
}

/** Judges one direction. */
export class DirectionJudge implements AgentJudge {
  /** @param answer sends a message back to the sender */
  constructor(
    private readonly direction: Direction,
    private readonly conversation: AgentConversation,
    private readonly drops: DropCounts,
    private readonly answer: (message: Buffer) => void,
  ) {}

  begin(type: number): Fate {
    const { direction, conversation } = this;
    const { rules } = conversation;
    const seen = SEEN[type] ?? 0;
    const key = rules.forbiddenBy(direction, type);
    if (key !== null) {
      this.drops.add(key, direction);
      return { kind: 'drop', seen };
    }
    if (type === AGENT_MESSAGE.CLIPBOARD) conversation.requests[OTHER[direction]].answered();
    return { kind: rules.changes(direction, type) ? 'hold' : 'pass', seen };
  }

  see(type: number, start: Buffer, passes: boolean): void {
    const { direction, conversation } = this;
    const { caps, files, requests, rules } = conversation;
    if (start.length < 4) return;
    switch (type) {
      case AGENT_MESSAGE.ANNOUNCE_CAPABILITIES:
        caps.change(direction, start, rules);
        return;
      case AGENT_MESSAGE.CLIPBOARD_REQUEST:
        if (passes) requests[direction].asked(start);
        else this.answer(emptyClipboard(start));
        return;
      case AGENT_MESSAGE.FILE_XFER_START:
        if (passes) files.started(start.readUInt32LE(0));
        else this.answer(fileStatus(start.readUInt32LE(0), FILE_STATUS.DISABLED));
        return;
      case AGENT_MESSAGE.FILE_XFER_DATA:
        if (!passes) this.answer(fileStatus(start.readUInt32LE(0), FILE_STATUS.CANCELLED));
        return;
      case AGENT_MESSAGE.FILE_XFER_STATUS:
        if (passes && start.length >= 8) files.said(start.readUInt32LE(0), start.readUInt32LE(4));
        return;
    }
  }

  change(type: number, data: Buffer): Buffer | null {
    const { direction, conversation } = this;
    const { caps, rules } = conversation;
    if (type === AGENT_MESSAGE.ANNOUNCE_CAPABILITIES) return caps.change(direction, data, rules);
    const clipped = clipConfig(data, rules.maxMonitors);
    if (clipped !== data) this.drops.add('max_monitors', direction);
    return clipped;
  }
}
