// SPDX-License-Identifier: Apache-2.0
// The entry point to the message broker, one for each process. The broker may be unavailable at any time: messages make
// things immediate, and nothing depends on them.
import type { Conf } from '../conf/index.js';
import type { Secret } from '../conf/secret.js';
import { ConfError } from '../exception.js';
import { loggerFor } from '../log.js';
import { BrokerFanout } from './broker-fanout.js';
import type { FanoutCounters } from './broker-fanout.js';
import { ConfirmedSender } from './confirmed-sender.js';
import { checkRabbitOptions } from './connect.js';
import { LocalFanout } from './fanout.js';
import type { Fanout } from './fanout.js';
import { BrokerListener } from './listener.js';
import type { NotificationHandler, NotificationListener } from './listener.js';
import { DriverNotifier } from './notification-drivers.js';
import type { Notifier, NotifierCounters } from './notifier.js';
import { parseTransportUrl } from './transport-url.js';
import type { BrokerTarget, UrlOption } from './transport-url.js';

export type { ListenerStatus, NotificationHandler, NotificationListener } from './listener.js';
export type { Notifier } from './notifier.js';

/** The state of the broker. `off`: none is configured. */
export interface BrokerStatus {
  /** Of everything together: connected means that each use is. */
  readonly state: 'off' | 'connected' | 'disconnected';
  /** Why it is disconnected or accepts no messages, without secrets; null: no fault. */
  readonly fault: string | null;
}

/** How the broker is, and what went over it since the start. */
export interface MessagingStatus extends BrokerStatus {
  readonly fanout: FanoutCounters;
  readonly notifier: NotifierCounters;
}

/** The messaging of one process. A class, so that modules can ask for it by this name. */
export abstract class Messaging {
  abstract readonly fanout: Fanout;
  abstract readonly notifier: Notifier;
  /** Hears the notifications that [notifications] names, each at one of all processes that listen. */
  abstract listen(handler: NotificationHandler): NotificationListener;
  abstract status(): MessagingStatus;
  /** Sends what waits, for a moment at most, and disconnects. */
  abstract close(): Promise<void>;
}

const NO_FANOUT: FanoutCounters = { sent: 0, received: 0, dropped: 0, ignored: 0 };
const NO_NOTIFIER: NotifierCounters = { sent: 0, dropped: 0, waiting: 0 };
const NAME = /^[A-Za-z0-9_.:-]{1,200}$/;

const log = loggerFor('kerbside.messaging');

/** The brokers that the configuration names; undefined where it names none. */
interface Targets {
  readonly own: BrokerTarget | undefined;
  readonly notifier: BrokerTarget | undefined;
  readonly listener: BrokerTarget | undefined;
}

function targetOf(conf: Conf, url: Secret, from: UrlOption): BrokerTarget | undefined {
  if (url.blank) return undefined;
  const target = parseTransportUrl(url, conf.osloMessagingRabbit, from);
  checkRabbitOptions(target.options);
  return target;
}

function checkName(group: string, option: string, text: string): void {
  if (NAME.test(text)) return;
  throw new ConfError(
    group,
    option,
    'not a name for a queue or an exchange',
    'give 1 to 200 letters, digits, dots, colons, underscores and hyphens',
  );
}

function readTargets(conf: Conf): Targets {
  const { notifications, osloMessagingNotifications } = conf;
  checkName('DEFAULT', 'control_exchange', conf.default.controlExchange);
  checkName('notifications', 'exchange', notifications.exchange);
  checkName('notifications', 'pool', notifications.pool);
  for (const topic of notifications.topics) checkName('notifications', 'topics', topic);
  for (const topic of osloMessagingNotifications.topics)
    checkName('oslo_messaging_notifications', 'topics', topic);
  const option = 'transport_url';
  const own = targetOf(conf, conf.default.transportUrl, { group: 'DEFAULT', option });
  const group = 'oslo_messaging_notifications';
  const notifier = targetOf(conf, osloMessagingNotifications.transportUrl, { group, option }) ?? own;
  const listener = targetOf(conf, notifications.transportUrl, { group: 'notifications', option }) ?? notifier;
  return { own, notifier, listener: notifications.enabled ? listener : undefined };
}

/** Looks whether the options name brokers that can be asked for; asks none. @throws ConfError */
export function checkMessaging(conf: Conf): void {
  readTargets(conf);
}

function silentListener(): NotificationListener {
  const status = { received: 0, deadLettered: 0, requeued: 0, lastMessage: null };
  return {
    status: () => ({ state: 'off', fault: null, ...status }),
    close: () => Promise.resolve(),
  };
}

/** The messaging of a process, whatever of it there is. */
class ProcessMessaging extends Messaging {
  readonly fanout: Fanout;
  readonly notifier: DriverNotifier;
  private readonly brokerFanout: BrokerFanout | null;
  private readonly listeners: BrokerListener[] = [];
  private readonly clientName: string;

  constructor(
    private readonly conf: Conf,
    private readonly targets: Targets,
    binary: string,
  ) {
    super();
    const { nodeName: node, controlExchange } = conf.default;
    this.clientName = `${binary}:${node}`;
    const { clientName } = this;
    this.notifier = new DriverNotifier(conf, targets.notifier, clientName);
    this.brokerFanout =
      targets.own === undefined
        ? null
        : new BrokerFanout({ target: targets.own, controlExchange, clientName, node });
    this.fanout = this.brokerFanout ?? new LocalFanout();
    this.brokerFanout?.start();
    this.notifier.broker?.start();
  }

  listen(handler: NotificationHandler): NotificationListener {
    const { target, node } = { target: this.targets.listener, node: this.conf.default.nodeName };
    if (target === undefined) return silentListener();
    const { notifications } = this.conf;
    const listener = new BrokerListener(
      { target, notifications, clientName: this.clientName, node },
      handler,
    );
    this.listeners.push(listener);
    listener.start();
    return listener;
  }

  status(): MessagingStatus {
    const links = [this.brokerFanout, this.notifier.broker].filter((link) => link !== null);
    const states = links.map((link) => link.status());
    const fault = states.find((state) => state.fault !== null)?.fault ?? null;
    const connected = states.every((state) => state.connected);
    return {
      state: links.length === 0 ? 'off' : connected ? 'connected' : 'disconnected',
      fault,
      fanout: this.brokerFanout?.counters() ?? NO_FANOUT,
      notifier: this.notifier.broker?.counters() ?? NO_NOTIFIER,
    };
  }

  async close(): Promise<void> {
    await Promise.all([
      ...this.listeners.map((listener) => listener.close()),
      this.brokerFanout?.close(),
      this.notifier.broker?.close(),
    ]);
  }
}

/**
 * Opens the messaging of a process; never waits for a broker.
 *
 * @param conf the configuration
 * @param binary the program's name, such as `kerbside-proxy`
 * @throws ConfError when a transport URL, or an option that goes with it, is wrong
 */
export function openMessaging(conf: Conf, binary: string): Messaging {
  const targets = readTargets(conf);
  if (targets.own === undefined)
    log.debug('no broker is configured', { node: conf.default.nodeName, binary });
  return new ProcessMessaging(conf, targets, binary);
}

/**
 * The sender of audit events to the broker of [audit]; it connects when it has something to send.
 *
 * @param binary the program's name, such as `kerbside-conductor`
 * @throws ConfError when there is no broker, or its URL is wrong
 */
export function auditSender(conf: Conf, binary: string): ConfirmedSender {
  const { cadfTransportUrl, cadfTopics: topics } = conf.audit;
  const from = { group: 'audit', option: 'cadf_transport_url' } as const;
  const target = targetOf(conf, cadfTransportUrl, from) ?? readTargets(conf).notifier;
  if (target === undefined)
    throw new ConfError(
      ...([from.group, from.option, 'sink cadf has no broker'] as const),
      'give its URL here, or set [DEFAULT] transport_url',
    );
  const { controlExchange, nodeName } = conf.default;
  return new ConfirmedSender('audit', { target, controlExchange, topics }, `${binary}:${nodeName}`);
}
