// SPDX-License-Identifier: Apache-2.0
// The service as a Nest module, and the way of every request through it, in order. A step sees only what the
// steps before it have let through.
import { Module, type DynamicModule } from '@nestjs/common';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import cookieParser from 'cookie-parser';
import express from 'express';
import type { Conf } from '../conf/index.js';
import { Login } from '../identity/login.js';
import { loggerFor } from '../log.js';
import { OwnNotifications } from '../notifications/own/own-notifications.js';
import { AuditEvents } from '../objects/audit-event.js';
import { ConsoleSessions } from '../objects/console-session.js';
import { ConsoleTokens } from '../objects/console-token.js';
import { Consoles } from '../objects/console.js';
import { Inventory } from '../objects/inventory.js';
import { Sources } from '../objects/source.js';
import { Policy } from '../policy.js';
import { ConsoleIssue } from '../broker/console-issue.js';
import { ConsoleOpening } from '../broker/console-opening.js';
import { ExchangeLimit } from '../broker/exchange-limit.js';
import { SourceDrivers } from '../sources/source-drivers.js';
import { TokenExchange } from '../broker/token-exchange.js';
import { CaCertificate } from '../tls/ca-certificate.js';
import { Readiness } from '../service/readiness.js';
import { BodyReader } from './body-reader.js';
import { ConsoleFiles } from './console-files.js';
import { FaultFilter } from './fault-filter.js';
import { CONF, OPENAPI } from './injection-tokens.js';
import { JSON_SPACES, sortedKeys } from './json-format.js';
import { AuthenticationGuard, type KeystoneTokens } from './guards/authentication.js';
import { AuthorizationGuard } from './guards/authorization.js';
import { RouteGuard } from './guards/routing.js';
import { crossOrigin } from './middleware/cors.js';
import { microversion } from './middleware/microversion.js';
import { proxyHeaders } from './middleware/proxy-headers.js';
import { requestId } from './middleware/request-id.js';
import { requestLog } from './middleware/request-log.js';
import { securityHeaders } from './middleware/security-headers.js';
import { openApiDocument } from './openapi.js';
import { Permission } from './permission.js';
import { MessagingHealth } from './messaging-health.js';
import { refusalAudit } from './refusal-audit.js';
import { bindRoutes } from './route-binding.js';
import { SessionTermination } from './session-termination.js';

const LOG = loggerFor('kerbside.api');

/** What the service is made of; made in server.ts. */
export interface ApiParts {
  readonly conf: Conf;
  readonly login: Login;
  readonly policy: Policy;
  /** undefined: tokens of Keystone are not accepted. */
  readonly keystone: KeystoneTokens | undefined;
  readonly ca: CaCertificate;
  readonly readiness: Readiness;
  readonly messagingHealth: MessagingHealth;
  readonly sources: Sources;
  readonly consoles: Consoles;
  readonly sessions: ConsoleSessions;
  readonly tokens: ConsoleTokens;
  readonly events: AuditEvents;
  readonly inventory: Inventory;
  readonly files: ConsoleFiles;
  readonly permission: Permission;
  readonly drivers: SourceDrivers;
  readonly own: OwnNotifications;
}

/** The module. */
@Module({})
export class ApiModule {
  /** The module with its parts. */
  static with(parts: ApiParts): DynamicModule {
    return {
      module: ApiModule,
      controllers: bindRoutes(),
      providers: [
        { provide: CONF, useValue: parts.conf },
        { provide: OPENAPI, useValue: openApiDocument() },
        { provide: Login, useValue: parts.login },
        { provide: Policy, useValue: parts.policy },
        { provide: CaCertificate, useValue: parts.ca },
        { provide: Readiness, useValue: parts.readiness },
        { provide: MessagingHealth, useValue: parts.messagingHealth },
        { provide: Sources, useValue: parts.sources },
        { provide: Consoles, useValue: parts.consoles },
        { provide: ConsoleSessions, useValue: parts.sessions },
        { provide: ConsoleTokens, useValue: parts.tokens },
        { provide: AuditEvents, useValue: parts.events },
        { provide: SessionTermination, useValue: new SessionTermination(parts) },
        { provide: Inventory, useValue: parts.inventory },
        { provide: ConsoleFiles, useValue: parts.files },
        { provide: Permission, useValue: parts.permission },
        { provide: ConsoleOpening, useValue: consoleOpening(parts) },
        { provide: ConsoleIssue, useValue: consoleIssue(parts) },
        { provide: TokenExchange, useValue: tokenExchange(parts) },
      ],
    };
  }
}

function tokenExchange(parts: ApiParts): TokenExchange {
  const { conf, drivers } = parts;
  const { failedExchangesPerAddress, exchangeWindow, exchangeTimeout: timeout } = conf.nova;
  const limit = new ExchangeLimit(failedExchangesPerAddress, exchangeWindow);
  return new TokenExchange({ drivers, limit, timeout, issue: consoleIssue(parts), log: LOG });
}

function consoleOpening({ conf, inventory, sources, drivers }: ApiParts): ConsoleOpening {
  return new ConsoleOpening({ inventory, sources, drivers, timeout: conf.nova.exchangeTimeout, log: LOG });
}

function consoleIssue({ conf, tokens, events }: ApiParts): ConsoleIssue {
  return new ConsoleIssue({ tokens, events, node: conf.default.nodeName });
}

/** Express under Nest, before Nest has made its router: paths are compared exactly, case and a slash at the end too. */
export function httpAdapter(): ExpressAdapter {
  const instance = express();
  instance.enable('case sensitive routing');
  instance.enable('strict routing');
  return new ExpressAdapter(instance);
}

/** The way of a request. */
export function usePipeline(app: NestExpressApplication, parts: ApiParts): void {
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('json replacer', sortedKeys);
  app.set('json spaces', JSON_SPACES);

  app.use(requestId); // first: every answer and every log line has it, refusals too
  app.use(proxyHeaders(parts.conf.api.trustedProxies)); // from here on it is known who asks from where
  app.use(securityHeaders);
  app.use(requestLog);
  const sharing = crossOrigin(parts.conf.cors);
  if (sharing !== null) app.use(sharing);
  app.use(microversion); // under /v1 every answer says which versions there are
  app.use(cookieParser());
  // The router is next: 404 for everyone. Its handler's line of the table says what the guards go by.
  const onRefused = refusalAudit({ ...parts, node: parts.conf.default.nodeName });
  app.useGlobalGuards(
    new RouteGuard(), // 405 for everyone
    new AuthenticationGuard(parts.conf.api.authSecretSeed.reveal(), parts.keystone),
    new AuthorizationGuard(parts.policy, onRefused),
  );
  app.useGlobalInterceptors(new BodyReader());
  app.useGlobalFilters(new FaultFilter());
}
