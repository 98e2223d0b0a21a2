// SPDX-License-Identifier: Apache-2.0
// Shows a message screen on one channel of a client: the proxy is its SPICE server for a moment. Which channel is served how
// is in the files of that name.
import { loggerFor } from '../../log.js';
import type { ClientConnection } from '../connection/client-connection.js';
import type { ClientLink } from '../connection/link.js';
import type { WorkerContext } from '../connection/worker-context.js';
import type { RelaySettings, ScreenEvent } from '../ipc.js';
import { screenConnectionId, type ScreenName } from '../screen-name.js';
import { CHANNEL } from '../spice/constants.js';
import type { SwitchTarget } from '../spice/screen-messages.js';
import { DisplayPart } from './display-part.js';
import { InputsPart } from './inputs-part.js';
import { MainPart } from './main-part.js';
import { ScreenChannel, type ScreenPart } from './screen-channel.js';
import { screenText } from './screen-text.js';
import type { ScreenSubject } from './subject.js';

const log = loggerFor('kerbside.console.message-screen');

/** A part that heeds what happens on the other channels. */
type HeedingPart = ScreenPart & { event?(event: ScreenEvent): void };

/** Serves one channel of a screen until it ends; the client has heard OK. Never rejects. */
export async function showScreen(
  connection: ClientConnection,
  worker: WorkerContext,
  link: ClientLink,
  subject: ScreenSubject,
): Promise<void> {
  const { screens, settings } = worker;
  const { message, miniHeader, ticket, rest } = link;
  const name = {
    sessionId: subject.sessionId,
    connectionId: screenConnectionId(ticket ?? '', subject.about),
  };
  const channel = new ScreenChannel(connection, miniHeader);
  const part = partOf(message.channelType, channel, { worker, subject, name });
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
  const how = await channel.run(part, rest, settings.console.messageScreenTime);
  remove();
  log.info('message screen closed', { ...fields, how });
}

interface PartFacts {
  readonly worker: WorkerContext;
  readonly subject: ScreenSubject;
  readonly name: ScreenName;
}

function partOf(channelType: number, channel: ScreenChannel, facts: PartFacts): HeedingPart {
  const { worker, subject, name } = facts;
  const { screens, settings } = worker;
  switch (channelType) {
    case CHANNEL.display:
      return new DisplayPart(channel, screenText(subject, Date.now(), settings.console.messageScreenTime));
    case CHANNEL.inputs:
      return new InputsPart(channel, () => screens.tell(name, { kind: 'key' }));
    default:
      return new MainPart(channel, {
        about: subject.about,
        connectionId: name.connectionId,
        back: wayBack(settings),
        resized: (size) => screens.tell(name, { kind: 'size', ...size }),
      });
  }
}

/** As .vv files say it. */
function wayBack({ spice }: RelaySettings): SwitchTarget {
  return { host: spice.publicFqdn, tlsPort: spice.publicSecurePort, certSubject: spice.hostSubject };
}
