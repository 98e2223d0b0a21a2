// SPDX-License-Identifier: Apache-2.0
// What a client gets whose ticket does not open the channel that it asks for: the refusal, counted and told; a channel of the
// message screen that says why; or, in the midst of a migration, a channel that leads nowhere.
import type { ChannelDenial } from '../../objects/channel-types.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import { explainedDenial } from '../../service/explained-denial.js';
import type { AuthorizeReply, AuthorizeRequest, Denial, KeptGrant, ScreenGrant } from '../ipc.js';
import { screenOf } from '../screen-name.js';
import { CHANNEL } from '../spice/constants.js';
import { BECAUSE, isShown } from './denials.js';
import type { ProxyMetrics } from './metrics.js';
import type { Refusals } from './refusals.js';

/** Answers the clients of denied channels. */
export class DeniedChannels {
  /** @param messageScreen whether clients are shown why, unless their source or console says otherwise */
  constructor(
    private readonly parts: { readonly metrics: ProxyMetrics; readonly refusals: Refusals },
    private readonly messageScreen: boolean,
  ) {}

  /** The answer. */
  answer(request: AuthorizeRequest, denial: ChannelDenial): AuthorizeReply {
    return keptGrant(denial) ?? this.screenGrant(request, denial) ?? this.deny(request, denial);
  }

  /** The channel is one of a message screen that the holder of this ticket is shown; null: it is not. */
  private screenGrant(request: AuthorizeRequest, denial: ChannelDenial): ScreenGrant | null {
    const { ticket, connectionId, channelType } = request;
    const { sessionId, reason, name = null } = denial;
    if (sessionId === undefined || !this.showsScreens(denial)) return null;
    if (channelType !== CHANNEL.display && channelType !== CHANNEL.inputs) return null;
    if (reason !== 'main_required' && reason !== 'bad_connection_id') return null;
    const about = screenOf(ticket, connectionId);
    return about === null ? null : { kind: 'screen', about, sessionId, name };
  }

  /** Whether the client is shown why its desktop does not come up, by what its console or its source say. */
  showsScreens({ settings }: Pick<ChannelDenial, 'settings'>): boolean {
    const messageScreen = settings?.messageScreen;
    return messageScreen === undefined ? this.messageScreen : messageScreen === 'on';
  }

  private deny(request: AuthorizeRequest, denial: ChannelDenial): Denial {
    this.parts.metrics.denied.inc();
    this.parts.refusals.denied(request, denial);
    const { reason, sessionId } = denial;
    const shown = request.channelType === MAIN_CHANNEL && isShown(reason) && this.showsScreens(denial);
    return {
      kind: 'denied',
      because: BECAUSE[reason],
      reason,
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(shown ? { screen: explainedDenial(reason) } : {}),
    };
  }
}

/** The client opens channels to a destination that it cannot go over to, and would be lost if one were refused; null: it does not. */
function keptGrant({ reason, sessionId }: ChannelDenial): KeptGrant | null {
  const isLate = reason === 'guest_moved' || reason === 'destination_failed';
  return isLate && sessionId !== undefined ? { kind: 'kept', sessionId } : null;
}
