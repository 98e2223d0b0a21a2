// SPDX-License-Identifier: Apache-2.0
// Gives the use cases. Where one process serves both users of a link and browsers, they share one count of wrong tokens.
import { Module } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import { provider } from '../injection.js';
import { loggerFor } from '../log.js';
import { OwnNotificationsModule } from '../notifications/own/own-notifications.module.js';
import { OwnNotifications } from '../notifications/own/own-notifications.js';
import { AuditEvents } from '../objects/audit-event.js';
import { ConsoleSessions } from '../objects/console-session.js';
import { ConsoleTokens } from '../objects/console-token.js';
import { Inventory } from '../objects/inventory.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { Sources } from '../objects/source.js';
import { SourceDrivers } from '../sources/source-drivers.js';
import { SourcesModule } from '../sources/sources.module.js';
import { ConsoleIssue } from './console-issue.js';
import { ConsoleOpening } from './console-opening.js';
import { ExchangeLimit } from './exchange-limit.js';
import { SessionTermination } from './session-termination.js';
import { TokenExchange } from './token-exchange.js';

const log = loggerFor('kerbside.broker');

@Module({
  imports: [ObjectsModule, OwnNotificationsModule, SourcesModule],
  providers: [
    provider(
      ConsoleIssue,
      [CONF, ConsoleTokens, AuditEvents],
      (conf, tokens, events) => new ConsoleIssue({ tokens, events, node: conf.default.nodeName }),
    ),
    provider(
      ConsoleOpening,
      [CONF, Inventory, Sources, SourceDrivers],
      ({ nova }, inventory, sources, drivers) =>
        new ConsoleOpening({ inventory, sources, drivers, timeout: nova.exchangeTimeout, log }),
    ),
    provider(
      SessionTermination,
      [CONF, ConsoleSessions, AuditEvents, OwnNotifications],
      (conf, sessions, events, own) =>
        new SessionTermination({ sessions, events, own, node: conf.default.nodeName }),
    ),
    provider(TokenExchange, [CONF, SourceDrivers, ConsoleIssue], ({ nova }, drivers, issue) => {
      const limit = new ExchangeLimit(nova.failedExchangesPerAddress, nova.exchangeWindow);
      return new TokenExchange({ drivers, limit, issue, timeout: nova.exchangeTimeout, log });
    }),
  ],
  exports: [ConsoleIssue, ConsoleOpening, SessionTermination, TokenExchange],
})
export class BrokerModule {}
