// SPDX-License-Identifier: Apache-2.0
// The main channel of a message screen: of a new one, or of a desktop's that was taken over. It names the channels that there are, plays the guest's agent as far as that takes the
// size of the client's window, and sends the client back to the proxy when a key was pressed.
import type { Explained } from '../../service/explanation.js';
import type { ScreenEvent } from '../ipc.js';
import { agentAnnouncement, AgentListener } from '../spice/agent-messages.js';
import { AGENT_DATA_MAX_BYTES } from '../spice/agent-protocol.js';
import type { ClientMessage } from '../spice/client-messages.js';
import { CHANNEL } from '../spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';
import {
  agentDisconnected,
  agentToken,
  channelsList,
  mainInit,
  migrateSwitchHost,
  mouseModeOfClient,
  type Size,
  type SwitchTarget,
} from '../spice/screen-messages.js';
import type { ScreenChannel, ScreenPart } from './screen-channel.js';
import { canBeBack } from './subject.js';

const { ATTACH_CHANNELS, AGENT_START, AGENT_DATA } = CLIENT_MESSAGE.main;
const SENT = SERVER_MESSAGE.main;

/** As many AGENT_DATA as spice-server lets a client send. */
const AGENT_TOKENS = 10;
/** For how long a client that was sent back may take to leave. */
const LEAVE_TIME_MS = 10_000;
/** For how long the display channel of a desktop may take to come to the screen; where it does not there is nothing to see. */
const DISPLAY_TIME_MS = 3000;
/** A window that is being dragged says its size all the time. */
const SIZE_PAUSE_MS = 300;

/** What the main channel works with. */
export interface MainPartOptions {
  readonly about: Explained;
  readonly connectionId: number;
  /** Where clients reach this site. */
  readonly back: SwitchTarget;
  /** The client's window has another size. */
  readonly resized: (size: Size) => void;
  /** The channel was a desktop's; null: it is a new one. */
  readonly tookOver: TakenDesktop | null;
}

/** What a taken over main channel needs to know and to tell. */
export interface TakenDesktop {
  /** The client takes an AGENT_CONNECTED_TOKENS. */
  readonly takesTokens: boolean;
  /** The screen has come about. */
  readonly shown: () => void;
}

/** The main channel. */
export class MainPart implements ScreenPart {
  readonly keep = { types: new Set([AGENT_DATA]), maxBytes: AGENT_DATA_MAX_BYTES };
  private readonly agent = new AgentListener();
  private size: Size | null = null;
  private sizePending = false;
  private sentBack = false;
  private displayed = false;
  /** What the client says to an agent is for the one that is played here. */
  private agentBegun: boolean;

  constructor(
    private readonly channel: ScreenChannel,
    private readonly options: MainPartOptions,
  ) {
    this.agentBegun = options.tookOver === null;
  }

  start(): void {
    if (this.options.tookOver !== null) {
      this.takeOver(this.options.tookOver);
      return;
    }
    const init = { sessionId: this.options.connectionId, agentTokens: AGENT_TOKENS };
    void this.channel.send(SENT.INIT, mainInit(init));
  }

  message({ type, body }: ClientMessage): void {
    switch (type) {
      case ATTACH_CHANNELS:
        void this.channel.send(SENT.CHANNELS_LIST, channelsList([CHANNEL.display, CHANNEL.inputs]));
        return;
      case AGENT_START:
        this.agentBegun = true;
        void this.channel.send(SENT.AGENT_DATA, agentAnnouncement());
        return;
      case AGENT_DATA:
        if (!this.agentBegun) return;
        void this.channel.send(SENT.AGENT_TOKEN, agentToken(1));
        this.takeSize(this.agent.push(body));
    }
  }

  event(event: ScreenEvent): void {
    if (event.kind === 'shown') this.isDisplayed();
    if (event.kind !== 'key' || this.sentBack || !canBeBack(this.options.about)) return;
    this.sentBack = true;
    void this.channel.send(SENT.MIGRATE_SWITCH_HOST, migrateSwitchHost(this.options.back));
    this.channel.after(LEAVE_TIME_MS, () => this.channel.end('time is over'));
  }

  /** The pointer is let go, and the guest's agent gives way to the one that is played here. */
  private takeOver({ takesTokens }: TakenDesktop): void {
    const { channel } = this;
    void channel.send(SENT.MOUSE_MODE, mouseModeOfClient());
    void channel.send(SENT.AGENT_DISCONNECTED, agentDisconnected());
    if (takesTokens) void channel.send(SENT.AGENT_CONNECTED_TOKENS, agentToken(AGENT_TOKENS));
    channel.after(DISPLAY_TIME_MS, () => {
      if (!this.displayed) channel.end('no display');
    });
  }

  private isDisplayed(): void {
    if (this.displayed) return;
    this.displayed = true;
    this.options.tookOver?.shown();
  }

  /** Tells of the last size of a moment. */
  private takeSize(size: Size | null): void {
    if (size === null) return;
    this.size = size;
    if (this.sizePending) return;
    this.sizePending = true;
    this.channel.after(SIZE_PAUSE_MS, () => {
      this.sizePending = false;
      if (this.size !== null) this.options.resized(this.size);
    });
  }
}
