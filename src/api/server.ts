// SPDX-License-Identifier: Apache-2.0
// Starts and ends the REST service: builds its parts, listens, and lets requests that are under way finish.
import 'reflect-metadata';
import { createServer } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { CaCertificate } from '../tls/ca-certificate.js';
import type { Conf } from '../conf/index.js';
import { KeystoneLogin } from '../identity/keystone-login.js';
import { keystoneAuthOptions } from '../identity/keystone-options.js';
import { Login } from '../identity/login.js';
import { ServiceSession } from '../identity/service-session.js';
import { TokenValidator } from '../identity/token-validator.js';
import { loggerFor } from '../log.js';
import { announceTo } from '../messaging/announce.js';
import type { Messaging } from '../messaging/messaging.js';
import { HTTP_LIMITS, RequestGate } from '../net/http-limits.js';
import { listen } from '../net/listen.js';
import { OwnNotifications } from '../notifications/own/own-notifications.js';
import { AuditEvents } from '../objects/audit-event.js';
import { ConsoleSessions } from '../objects/console-session.js';
import { ConsoleTokens } from '../objects/console-token.js';
import { Consoles } from '../objects/console.js';
import type { Database } from '../objects/database.js';
import { Inventory } from '../objects/inventory.js';
import { Services } from '../objects/service.js';
import { Sources } from '../objects/source.js';
import { Users } from '../objects/user.js';
import { Policy } from '../policy.js';
import { SourceDrivers } from '../sources/source-drivers.js';
import { Readiness } from '../service/readiness.js';
import { ApiModule, httpAdapter, usePipeline, type ApiParts } from './api.module.js';
import { ConsoleFiles } from './console-files.js';
import { Permission } from './permission.js';
import { MessagingHealth } from './messaging-health.js';
import type { KeystoneTokens } from './guards/authentication.js';

/** What the REST service stands on. */
export interface ApiServices {
  readonly conf: Conf;
  readonly db: Database;
  readonly messaging: Messaging;
  /** What this process says of itself, all of its parts together. */
  readonly describe: () => Readonly<Record<string, unknown>>;
}

/** A running REST service. */
export interface ApiServer {
  /** The TCP port that it listens on. */
  readonly port: number;
  /** `/healthcheck` answers 503 from now on; everything else goes on. */
  setDraining(): void;
  /** Reads the policy files again, if they have changed. */
  reload(): void;
  /** Stops listening, lets requests under way finish for at most 5 s, ends. */
  close(): Promise<void>;
}

const LOG = loggerFor('kerbside.api');

/** Faults are ours to report, bodies are read late in the pipeline, and our log is the log. */
const NEST_OPTIONS = { abortOnError: false, bodyParser: false, logger: false } as const;

const CLOSE_DEADLINE_MS = 5000;

/** Connections beyond this are cut at once: strangers must not take all of the process's file descriptors. */
const MAX_CONNECTIONS = 4096;

/**
 * Starts the REST service on [api] address and port.
 * @throws StartupError when the port is taken, or a file that the service needs cannot be read
 */
export async function startApi(services: ApiServices): Promise<ApiServer> {
  const { conf } = services;
  const { fanout } = services.messaging;
  const parts = await apiParts(services);
  const unsubscribe = fanout.subscribe(({ method }) => {
    if (method === 'policy_changed') parts.policy.follow();
  });
  const app = await NestFactory.create<NestExpressApplication>(
    ApiModule.with(parts),
    httpAdapter(),
    NEST_OPTIONS,
  );
  usePipeline(app, parts);
  await app.init();

  // NOTE: not app.listen(): Nest's own server can not be given a limit for its headers.
  const handler = app.getHttpAdapter().getInstance() as Parameters<typeof createServer>[1];
  const server = createServer(HTTP_LIMITS, handler);
  server.maxConnections = MAX_CONNECTIONS;
  const gate = new RequestGate(server);
  const place = { host: conf.api.address, port: conf.api.port, option: '[api] address, port', log: LOG };
  const { address, port } = await listen(server, place);
  LOG.info('REST API listening', { address, port });
  return {
    port,
    setDraining: () => parts.readiness.setDraining(),
    reload: () => parts.policy.reload(),
    close: async () => {
      unsubscribe();
      parts.readiness.setDraining();
      await gate.close(CLOSE_DEADLINE_MS);
      await app.close();
    },
  };
}

async function apiParts({ conf, db, messaging, describe }: ApiServices): Promise<ApiParts> {
  const events = new AuditEvents(db);
  const sources = new Sources(db);
  const consoles = new Consoles(db, { node: conf.default.nodeName, pid: process.pid });
  const ca = await CaCertificate.load(conf.spice.cacertPath);
  const { fanout, notifier } = messaging;
  const policy = Policy.load(
    { file: conf.osloPolicy.policyFile, dirs: conf.osloPolicy.policyDirs },
    // The other nodes may have been given the same new file: they look at once.
    () => fanout.cast({ method: 'policy_changed', args: {} }),
  );
  const auth = keystoneAuthOptions(conf);
  const session = auth === undefined ? undefined : new ServiceSession(auth);
  const limits = {
    perAddress: conf.api.loginAttemptsPerAddress,
    perUser: conf.api.loginAttemptsPerUser,
    window: conf.api.loginWindow,
  };
  const keystoneLogin = session === undefined ? undefined : new KeystoneLogin(session, conf.keystone);
  return {
    conf,
    login: new Login(new Users(db), events, conf.default.nodeName, limits, keystoneLogin),
    policy,
    keystone: session === undefined ? undefined : keystoneTokens(conf, session, policy),
    events,
    ca,
    files: new ConsoleFiles(conf.spice, ca),
    inventory: new Inventory(db),
    permission: new Permission(policy),
    readiness: new Readiness(db),
    messagingHealth: new MessagingHealth({
      messaging: () => messaging.status(),
      ...{ describe, services: new Services(db), downTime: conf.default.serviceDownTime },
    }),
    sources,
    consoles,
    drivers: new SourceDrivers(sources, { consoles, conf }),
    sessions: new ConsoleSessions(db, {
      reconnectGrace: conf.console.reconnectGrace,
      announce: announceTo(fanout),
    }),
    own: new OwnNotifications(notifier, conf),
    tokens: new ConsoleTokens(db, { tokenTtl: conf.console.tokenTtl }),
  };
}

function keystoneTokens(conf: Conf, session: ServiceSession, policy: Policy): KeystoneTokens {
  const o = conf.keystoneAuthtoken;
  const validator = new TokenValidator(session, { ...o, timeout: o.httpConnectTimeout });
  return { validator, policy, uri: o.wwwAuthenticateUri === '' ? o.authUrl : o.wwwAuthenticateUri };
}
