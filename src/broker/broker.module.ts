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
import { ConsoleUse } from '../objects/console-use.js';
import { Consoles } from '../objects/console.js';
import { Inventory } from '../objects/inventory.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { Sources } from '../objects/source.js';
import { UsedTokens } from '../objects/used-token.js';
import { SourceDrivers } from '../sources/source-drivers.js';
import { SourcesModule } from '../sources/sources.module.js';
import { ConsoleIssue } from './console-issue.js';
import { ConsoleOpening } from './console-opening.js';
import { ExchangeLimit } from './exchange-limit.js';
import { audienceOf, SignedTokenExchange, SignedTokenRecords } from './signed-token-exchange.js';
import { SessionTermination } from './session-termination.js';
import { TokenExchange } from './token-exchange.js';

const log = loggerFor('kerbside.broker');

@Module({
  imports: [ObjectsModule, OwnNotificationsModule, SourcesModule],
  providers: [
    provider(
      ConsoleIssue,
      [CONF, ConsoleTokens, AuditEvents, ConsoleUse],
      (conf, tokens, events, use) => new ConsoleIssue({ tokens, events, use, node: conf.default.nodeName }),
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
    provider(
      ExchangeLimit,
      [CONF],
      ({ nova }) => new ExchangeLimit(nova.failedExchangesPerAddress, nova.exchangeWindow),
    ),
    provider(
      TokenExchange,
      [CONF, SourceDrivers, ConsoleIssue, ExchangeLimit],
      ({ nova }, drivers, issue, limit) =>
        new TokenExchange({ drivers, limit, issue, timeout: nova.exchangeTimeout, log }),
    ),
    provider(
      SignedTokenRecords,
      [Consoles, UsedTokens, AuditEvents],
      (consoles, used, events) => new SignedTokenRecords(consoles, used, events),
    ),
    provider(
      SignedTokenExchange,
      [CONF, SourceDrivers, ConsoleIssue, ExchangeLimit, SignedTokenRecords],
      (conf, drivers, issue, limit, records) =>
        new SignedTokenExchange({
          ...{ drivers, issue, limit, records, log },
          node: conf.default.nodeName,
          audience: audienceOf(conf),
          timeout: conf.nova.exchangeTimeout,
        }),
    ),
  ],
  exports: [ConsoleIssue, ConsoleOpening, SessionTermination, SignedTokenExchange, TokenExchange],
})
export class BrokerModule {}
