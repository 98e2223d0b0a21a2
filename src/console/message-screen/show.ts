// SPDX-License-Identifier: Apache-2.0
// Shows a message screen on one channel of a client: the proxy is its SPICE server for a moment. Which channel is served how
// is in the files of that name.
import { loggerFor } from '../../log.js';
import type { ClientConnection } from '../connection/client-connection.js';
import type { ClientLink } from '../connection/link.js';
import type { WorkerContext } from '../connection/worker-context.js';
import type { RelaySettings, ScreenEvent } from '../ipc.js';
import { screenConnectionId, SHUTDOWN_SCREEN_TIME, type ScreenName } from '../screen-name.js';
import { hasCap } from '../spice/capabilities.js';
import { CHANNEL, MAIN_CAP } from '../spice/constants.js';
import type { SwitchTarget } from '../spice/screen-messages.js';
import { DisplayPart } from './display-part.js';
import { InputsPart } from './inputs-part.js';
import { MainPart } from './main-part.js';
import { ScreenChannel, type ScreenPart, type ScreenStart } from './screen-channel.js';
import { screenText } from './screen-text.js';
import type { ScreenSubject } from './subject.js';

const log = loggerFor('kerbside.console.message-screen');

/** A part that heeds what happens on the other channels. */
type HeedingPart = ScreenPart & { event?(event: ScreenEvent): void };

/** How a channel comes to its screen. */
export interface Showing {
  readonly subject: ScreenSubject;
  /** Where its stream is. */
  readonly begins: ScreenStart;
  /** It was a desktop's: the client keeps its window. */
  readonly tookOver: boolean;
}

/** Serves one channel of a screen until it ends; the client has heard OK. Never rejects. */
export async function showScreen(
  connection: ClientConnection,
  worker: WorkerContext,
  link: ClientLink,
  showing: Showing,
): Promise<void> {
  const { screens, settings } = worker;
  const { message, miniHeader, ticket } = link;
  const { subject, begins } = showing;
  const name = {
    sessionId: subject.sessionId,
    connectionId: screenConnectionId(ticket ?? '', subject.about),
  };
  const channel = new ScreenChannel(connection, miniHeader, begins);
  const seconds = timeOf(showing, settings);
  const part = partOf(channel, { worker, link, showing, name, seconds });
  const remove = screens.add({
    name,
    event: (event) => part.event?.(event),
    end: () => channel.end('ended'),
  });
  const fields = {
    session: subject.sessionId,
    about: subject.about,
    channel: message.channelType,
    client: connection.clientIp,
  };
  log.info('message screen shown', fields);
  const how = await channel.run(part, seconds);
  remove();
  log.info('message screen closed', { ...fields, how });
}

/** Seconds for which a screen stays. */
function timeOf({ subject, tookOver }: Showing, { console: { messageScreenTime } }: RelaySettings): number {
  return tookOver && subject.about === 'interrupted'
    ? Math.min(SHUTDOWN_SCREEN_TIME, messageScreenTime)
    : messageScreenTime;
}

interface PartFacts {
  readonly worker: WorkerContext;
  readonly link: ClientLink;
  readonly showing: Showing;
  readonly name: ScreenName;
  readonly seconds: number;
}

function partOf(channel: ScreenChannel, { worker, link, showing, name, seconds }: PartFacts): HeedingPart {
  const { screens, settings, control } = worker;
  const { subject, tookOver } = showing;
  const { channelType, channelCaps } = link.message;
  switch (channelType) {
    case CHANNEL.display:
      if (tookOver) screens.tell(name, { kind: 'shown' });
      return new DisplayPart(channel, screenText(subject, Date.now(), seconds), tookOver);
    case CHANNEL.inputs:
      return new InputsPart(channel, () => screens.tell(name, { kind: 'key' }), tookOver);
    default:
      return new MainPart(channel, {
        about: subject.about,
        connectionId: name.connectionId,
        back: wayBack(settings),
        resized: (size) => screens.tell(name, { kind: 'size', ...size }),
        tookOver: tookOver
          ? {
              takesTokens: hasCap(channelCaps, MAIN_CAP.AGENT_CONNECTED_TOKENS),
              shown: () => control.note({ op: 'screen_shown', about: subject.about }),
            }
          : null,
      });
  }
}

/** As .vv files say it. */
function wayBack({ spice }: RelaySettings): SwitchTarget {
  return { host: spice.publicFqdn, tlsPort: spice.publicSecurePort, certSubject: spice.hostSubject };
}
