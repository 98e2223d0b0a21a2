// SPDX-License-Identifier: Apache-2.0
// The service as a Nest module, and the way of every request through it, in order. A step sees only what the
// steps before it have let through.
import {
  HttpCode,
  Module,
  RequestMapping,
  RequestMethod,
  type DynamicModule,
  type Type,
} from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import cookieParser from 'cookie-parser';
import type { Conf } from '../conf/index.js';
import { ConfError } from '../exception.js';
import { Login } from '../identity/login.js';
import { OwnNotifications } from '../notifications/own/own-notifications.js';
import { AuditEvents } from '../objects/audit-event.js';
import { ConsoleSessions } from '../objects/console-session.js';
import { ConsoleTokens } from '../objects/console-token.js';
import { Consoles } from '../objects/console.js';
import { Inventory } from '../objects/inventory.js';
import { Sources } from '../objects/source.js';
import { Policy } from '../policy.js';
import { ExchangeLimit } from '../broker/exchange-limit.js';
import { OpenStackClouds } from '../sources/openstack/clouds.js';
import { TokenExchange } from '../broker/token-exchange.js';
import { CaCertificate } from '../tls/ca-certificate.js';
import { Readiness } from '../service/readiness.js';
import { ConsoleFiles } from './console-files.js';
import { ConsoleOpening } from './console-opening.js';
import { AuthController } from './controllers/auth.js';
import { ConsoleController } from './controllers/console.js';
import { ConsoleFileController } from './controllers/console-file.js';
import { HealthController } from './controllers/health.js';
import { NovaController } from './controllers/nova.js';
import { OpenApiController } from './controllers/openapi.js';
import { RootController } from './controllers/root.js';
import { SessionController } from './controllers/session.js';
import { SourceController } from './controllers/source.js';
import { V1AuditEventController } from './controllers/v1/audit-events.js';
import { V1ConnectionController } from './controllers/v1/connections.js';
import { V1ConsoleController } from './controllers/v1/consoles.js';
import { V1ServiceController } from './controllers/v1/services.js';
import { V1SessionController } from './controllers/v1/sessions.js';
import { V1SourceController } from './controllers/v1/sources.js';
import { VersionController } from './controllers/v1/version.js';
import { FaultFilter } from './fault-filter.js';
import { CONF, OPENAPI } from './injection-tokens.js';
import { JSON_SPACES, sortedKeys } from './json-format.js';
import { authentication, type KeystoneTokens } from './middleware/authentication.js';
import { authorization } from './middleware/authorization.js';
import { bodyRules, MAX_BODY_BYTES } from './middleware/body-rules.js';
import { microversion } from './middleware/microversion.js';
import { requestId } from './middleware/request-id.js';
import { requestLog } from './middleware/request-log.js';
import { routing } from './middleware/routing.js';
import { securityHeaders } from './middleware/security-headers.js';
import { openApiDocument } from './openapi.js';
import { Permission } from './permission.js';
import { MessagingHealth } from './messaging-health.js';
import { refusalAudit } from './refusal-audit.js';
import { ROUTES, type Controllers } from './routes.js';
import { SessionTermination } from './session-termination.js';

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
  readonly clouds: OpenStackClouds;
  readonly own: OwnNotifications;
}

const CONTROLLERS: { readonly [C in keyof Controllers]: Type<Controllers[C]> } = {
  auth: AuthController,
  console: ConsoleController,
  consoleFile: ConsoleFileController,
  health: HealthController,
  nova: NovaController,
  openapi: OpenApiController,
  root: RootController,
  session: SessionController,
  source: SourceController,
  v1AuditEvent: V1AuditEventController,
  v1Connection: V1ConnectionController,
  v1Console: V1ConsoleController,
  v1Service: V1ServiceController,
  v1Session: V1SessionController,
  v1Source: V1SourceController,
  version: VersionController,
};

/** The module. */
@Module({})
export class ApiModule {
  /** The module with its parts. */
  static with(parts: ApiParts): DynamicModule {
    bindRoutes();
    return {
      module: ApiModule,
      controllers: Object.values(CONTROLLERS),
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
        {
          provide: ConsoleOpening,
          useValue: new ConsoleOpening({ ...parts, node: parts.conf.default.nodeName }),
        },
        { provide: OpenStackClouds, useValue: parts.clouds },
        { provide: TokenExchange, useValue: tokenExchange(parts) },
      ],
    };
  }
}

function tokenExchange({ conf, clouds, tokens, events }: ApiParts): TokenExchange {
  const { failedExchangesPerAddress, exchangeWindow } = conf.nova;
  const limit = new ExchangeLimit(failedExchangesPerAddress, exchangeWindow);
  return new TokenExchange({ clouds, limit, tokens, events, node: conf.default.nodeName });
}

/** The way of a request. */
export function usePipeline(app: NestExpressApplication, parts: ApiParts): void {
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('json replacer', sortedKeys);
  app.set('json spaces', JSON_SPACES);
  trustProxies(app, parts.conf.api.trustedProxies);

  app.use(requestId); // first: every answer and every log line has it, refusals too
  app.use(securityHeaders);
  app.use(requestLog);
  app.use(microversion); // under /v1 every answer says which versions there are
  app.use(routing); // 404 and 405 for everyone; from here on the rule is known
  app.use(cookieParser());
  app.use(authentication(parts.conf.api.authSecretSeed.reveal(), parts.keystone));
  const onRefused = refusalAudit({ ...parts, node: parts.conf.default.nodeName });
  app.use(authorization(parts.policy, onRefused));
  // Bodies are read last, so that a stranger can not make us read one that is not for strangers. They are JSON
  // whatever their Content-Type says.
  app.useBodyParser('json', { type: () => true, limit: MAX_BODY_BYTES, inflate: false });
  app.use(bodyRules);
  app.useGlobalFilters(new FaultFilter());
}

/** Whose X-Forwarded-For and X-Forwarded-Proto count. @throws ConfError */
function trustProxies(app: NestExpressApplication, proxies: readonly string[]): void {
  try {
    app.set('trust proxy', [...proxies]);
  } catch (error) {
    const fault = error instanceof Error ? error.message : 'unreadable';
    throw new ConfError('api', 'trusted_proxies', fault, 'give addresses or networks, such as 192.0.2.0/24');
  }
}

/** Gives the controllers' methods the URLs of the table; all succeed with 200 unless it says otherwise. */
function bindRoutes(): void {
  for (const route of ROUTES) {
    const [controller, action] = route.handler.split('.') as [keyof Controllers, string];
    const prototype = CONTROLLERS[controller].prototype as object;
    const descriptor = Object.getOwnPropertyDescriptor(prototype, action);
    if (descriptor === undefined) throw new Error(`no handler ${route.handler}`);
    RequestMapping({ path: route.path, method: RequestMethod[route.method] })(prototype, action, descriptor);
    HttpCode(route.success ?? 200)(prototype, action, descriptor);
  }
}
