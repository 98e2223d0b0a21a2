// SPDX-License-Identifier: Apache-2.0
// The service as a Nest module, and the way of every request through it, in order. A step sees only what the
// steps before it have let through.
import type { RequestListener } from 'node:http';
import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ExpressAdapter, NestExpressApplication } from '@nestjs/platform-express';
import cookieParser from 'cookie-parser';
import { BrokerModule } from '../broker/broker.module.js';
import { CONF } from '../conf/conf.module.js';
import type { Conf } from '../conf/index.js';
import { IdentityModule, TOKEN_VALIDATOR, USER_GROUPS } from '../identity/identity.module.js';
import { provider, tokenFor } from '../injection.js';
import { Messaging } from '../messaging/messaging.js';
import { OwnNotificationsModule } from '../notifications/own/own-notifications.module.js';
import { OwnNotifications } from '../notifications/own/own-notifications.js';
import { AccessLists } from '../objects/access.js';
import { AuditEvents } from '../objects/audit-event.js';
import { Consoles } from '../objects/console.js';
import { ConsoleSettings } from '../objects/console-settings.js';
import { Database } from '../objects/database.js';
import { deploymentOf } from '../objects/guest-policy-levels.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { Overview } from '../objects/overview.js';
import { Services } from '../objects/service.js';
import { PoliciesModule } from '../policies/policies.module.js';
import { Policy } from '../policy.js';
import { SourcesModule } from '../sources/sources.module.js';
import { CaCertificate } from '../tls/ca-certificate.js';
import { ServiceLife } from '../service/life.js';
import { Readiness } from '../service/readiness.js';
import { BodyReader } from './body-reader.js';
import { ConsoleFiles } from './console-files.js';
import { FaultFilter } from './fault-filter.js';
import { OPENAPI } from './injection-tokens.js';
import { AuthenticationGuard, type KeystoneTokens } from './guards/authentication.js';
import { AuthorizationGuard } from './guards/authorization.js';
import { RouteGuard } from './guards/routing.js';
import { ListedUsers } from './listed-users.js';
import { crossOrigin } from './middleware/cors.js';
import { microversion } from './middleware/microversion.js';
import { proxyHeaders } from './middleware/proxy-headers.js';
import { requestId } from './middleware/request-id.js';
import { requestLog } from './middleware/request-log.js';
import { securityHeaders } from './middleware/security-headers.js';
import { openApiDocument } from './openapi.js';
import { Permission } from './permission.js';
import { contextOf } from './request-context.js';
import { MessagingHealth } from './messaging-health.js';
import { auditPolicy } from './policy-audit.js';
import { refusalAudit } from './refusal-audit.js';
import { bindRoutes } from './route-binding.js';
import { ApiServer } from './server.js';
import { browserPages } from './ui/browser-pages.js';
import { ChangeFeed } from './ui/change-feed.js';
import { FileStreams } from './ui/file-stream.js';
import { FigureCache } from './ui/figure-cache.js';
import { UiFiles } from './ui/files.js';
import { OFFERS, offersOf } from './ui/offers.js';

/** What validates the tokens of Keystone; null: they are not accepted. */
const KEYSTONE_TOKENS = tokenFor<KeystoneTokens | null>('tokens of Keystone');

const PROVIDERS = [
  provider(CaCertificate, [CONF], ({ spice }) => CaCertificate.load(spice.cacertPath)),
  provider(
    ConsoleFiles,
    [CONF, CaCertificate, ConsoleSettings],
    ({ spice }, ca, settings) => new ConsoleFiles(spice, ca, settings),
  ),
  provider(Permission, [Policy], (policy) => new Permission(policy)),
  provider(
    ListedUsers,
    [AccessLists, USER_GROUPS],
    (lists, groups) => new ListedUsers(lists, groups ?? undefined),
  ),
  provider(OFFERS, [CONF], (conf) => offersOf(conf)),
  provider(FileStreams, [], () => new FileStreams()),
  provider(UiFiles, [], () => UiFiles.load()),
  provider(ChangeFeed, [Overview], (overview) => new ChangeFeed(() => overview.marks())),
  provider(FigureCache, [Overview], (overview) => new FigureCache(() => overview.figures())),
  provider(Readiness, [Database], (db) => new Readiness(db)),
  provider(
    MessagingHealth,
    [CONF, Messaging, Services, ServiceLife],
    ({ default: general }, messaging, services, life) =>
      new MessagingHealth({
        messaging: () => messaging.status(),
        describe: () => life.report(),
        ...{ services, downTime: general.serviceDownTime },
      }),
  ),
  provider(
    KEYSTONE_TOKENS,
    [CONF, TOKEN_VALIDATOR, Policy],
    ({ keystoneAuthtoken: { wwwAuthenticateUri, authUrl } }, validator, policy) =>
      validator === null
        ? null
        : { validator, policy, uri: wwwAuthenticateUri === '' ? authUrl : wwwAuthenticateUri },
  ),
  provider(
    ApiServer,
    [CONF, Readiness],
    ({ api: { address, port } }, readiness) => new ApiServer({ address, port }, readiness),
  ),
];

/** The REST service: its controllers, and a listener that begins when everything else has been started. */
@Module({
  imports: [
    ...[BrokerModule, IdentityModule, ObjectsModule],
    ...[OwnNotificationsModule, PoliciesModule, SourcesModule],
  ],
  controllers: bindRoutes(),
  providers: [...PROVIDERS, { provide: OPENAPI, useFactory: openApiDocument }],
})
export class ApiModule implements OnApplicationBootstrap {
  constructor(
    @Inject(ServiceLife) private readonly life: ServiceLife,
    @Inject(ApiServer) private readonly server: ApiServer,
    @Inject(ChangeFeed) private readonly feed: ChangeFeed,
    @Inject(ConsoleSettings) private readonly settings: ConsoleSettings,
    @Inject(HttpAdapterHost) private readonly http: HttpAdapterHost<ExpressAdapter>,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.server.start(this.http.httpAdapter.getInstance<RequestListener>());
    this.life.adopt(this.server);
    this.life.adopt(this.feed);
    this.life.adopt({
      reload: ({ guestPolicy }) => this.settings.use(deploymentOf(guestPolicy)),
      close: () => Promise.resolve(),
    });
  }
}

/** The way of a request. */
export function usePipeline(app: NestExpressApplication): void {
  const conf = app.get<Conf>(CONF);
  const keystone = app.get<KeystoneTokens | null>(KEYSTONE_TOKENS);
  const policy = app.get<Policy>(Policy);
  app.disable('x-powered-by');
  app.disable('etag');

  app.use(requestId); // first: every answer and every log line has it, refusals too
  app.use(proxyHeaders(conf.api.trustedProxies)); // from here on it is known who asks from where
  app.use(securityHeaders);
  app.use(requestLog);
  const sharing = crossOrigin(conf.cors);
  if (sharing !== null) app.use(sharing);
  app.use(browserPages);
  app.use(microversion); // under /v1 every answer says which versions there are
  app.use(cookieParser());
  // The router is next: 404 for everyone. Its handler's line of the table says what the guards go by.
  const onRefused = refusalAudit({
    consoles: app.get(Consoles),
    events: app.get(AuditEvents),
    own: app.get(OwnNotifications),
    node: conf.default.nodeName,
  });
  app.get(Permission).onRefused((request) => void onRefused(request, contextOf(request).user ?? ''));
  auditPolicy(policy, app.get(AuditEvents), conf.default.nodeName);
  app.useGlobalGuards(
    new RouteGuard(), // 405 for everyone
    new AuthenticationGuard(conf.api.authSecretSeed.reveal(), keystone ?? undefined),
    new AuthorizationGuard(policy, onRefused, app.get(ListedUsers)),
  );
  app.useGlobalInterceptors(new BodyReader());
  app.useGlobalFilters(new FaultFilter());
}
