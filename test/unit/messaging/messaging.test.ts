// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConf } from '../../../src/conf/index.js';
import { ConfError } from '../../../src/exception.js';
import { openMessaging } from '../../../src/messaging/messaging.js';
import { messagingConf } from '../../fixtures/messaging-conf.js';

/** What a deployment tool may write for any service. */
const SECTION = `
[DEFAULT]
transport_url = rabbit://openstack:x@10.0.0.1:5672,openstack:x@10.0.0.2:5672//
control_exchange = kerbside
rpc_response_timeout = 60
[oslo_messaging_notifications]
transport_url = rabbit://openstack:x@10.0.0.1:5672//
driver = messagingv2
driver = log
topics = notifications
retry = 3
[oslo_messaging_rabbit]
amqp_durable_queues = false
amqp_auto_delete = false
rpc_conn_pool_size = 30
conn_pool_min_size = 2
conn_pool_ttl = 1200
ssl = true
ssl_version =
ssl_key_file =
ssl_cert_file =
ssl_ca_file = /etc/ca.pem
ssl_enforce_fips_mode = false
ssl_enforce_hostname_verification = true
heartbeat_in_pthread = false
kombu_reconnect_delay = 1.0
kombu_reconnect_splay = 0.0
kombu_compression =
kombu_missing_consumer_retry_timeout = 60
kombu_failover_strategy = round-robin
rabbit_login_method = AMQPLAIN
rabbit_retry_interval = 1
rabbit_retry_backoff = 2
rabbit_interval_max = 30
rabbit_ha_queues = false
rabbit_quorum_queue = true
rabbit_transient_quorum_queue = true
rabbit_quorum_delivery_limit = 0
rabbit_quorum_max_memory_length = 0
rabbit_quorum_max_memory_bytes = 0
rabbit_transient_queues_ttl = 1800
rabbit_qos_prefetch_count = 0
heartbeat_timeout_threshold = 60
heartbeat_rate = 3
direct_mandatory_flag = true
enable_cancel_on_failover = false
use_queue_manager = true
hostname = host
processname = nova-compute
rabbit_stream_fanout = false
`;

const URL = 'rabbit://u:s3cret@127.0.0.1:1/';

describe('the messaging without a broker', () => {
  it('reaches the parts of this process, sends nothing and hears nothing', async () => {
    const messaging = openMessaging(messagingConf({}), 'kerbside');
    const heard: string[] = [];
    messaging.fanout.subscribe(({ method }) => heard.push(method));
    messaging.fanout.cast({ method: 'policy_changed', args: {} });
    messaging.notifier.emit({ eventType: 'kerbside.session.start', priority: 'info', payload: {} });
    const listener = messaging.listen({ name: 'nova', onMessage: () => Promise.resolve('done') });
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual(['policy_changed']);
    expect(messaging.status()).toMatchObject({ state: 'off', fault: null });
    expect(listener.status()).toMatchObject({ state: 'off', fault: null, received: 0, lastMessage: null });
    await messaging.close();
  });
});

describe('the options of the messaging', () => {
  it.each([
    ['OS_DEFAULT__TRANSPORT_URL', 'kafka://u:s3cret@h', '[DEFAULT] transport_url'],
    [
      'OS_OSLO_MESSAGING_NOTIFICATIONS__TRANSPORT_URL',
      'rabbit://u:s3cret@',
      '[oslo_messaging_notifications] transport_url',
    ],
    ['OS_NOTIFICATIONS__TRANSPORT_URL', 'rabbit://', '[notifications] transport_url'],
    [
      'OS_OSLO_MESSAGING_RABBIT__RABBIT_LOGIN_METHOD',
      'RABBIT-CR-DEMO',
      '[oslo_messaging_rabbit] rabbit_login_method',
    ],
    [
      'OS_OSLO_MESSAGING_RABBIT__RABBIT_LOGIN_METHOD',
      'EXTERNAL',
      '[oslo_messaging_rabbit] rabbit_login_method',
    ],
    ['OS_OSLO_MESSAGING_RABBIT__SSL_CA_FILE', '/nowhere.pem', '[oslo_messaging_rabbit] ssl_ca_file'],
    ['OS_OSLO_MESSAGING_RABBIT__SSL_CERT_FILE', '/nowhere.pem', '[oslo_messaging_rabbit] ssl_key_file'],
    ['OS_NOTIFICATIONS__POOL', '', '[notifications] pool'],
    ['OS_NOTIFICATIONS__EXCHANGE', '', '[notifications] exchange'],
    ['OS_NOTIFICATIONS__TOPICS', 'a b', '[notifications] topics'],
    ['OS_OSLO_MESSAGING_NOTIFICATIONS__TOPICS', 'x'.repeat(201), '[oslo_messaging_notifications] topics'],
  ])('%s of %p stops the start', (name, value, option) => {
    const conf = messagingConf({ OS_DEFAULT__TRANSPORT_URL: `${URL}?ssl=1`, [name]: value });
    let message = '';
    try {
      openMessaging(conf, 'kerbside');
    } catch (error) {
      expect(error).toBeInstanceOf(ConfError);
      message = (error as Error).message;
    }
    expect(message).toContain(option);
    expect(message).not.toContain('s3cret');
  });

  it('of a whole section of another service are taken without a warning', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kerbside-conf-'));
    try {
      const file = join(folder, 'nova.conf');
      writeFileSync(file, SECTION);
      const { conf, warnings } = loadConf({ configFiles: [file], configDirs: [] }, {});
      expect(warnings).toEqual([]);
      expect(conf.osloMessagingRabbit).toMatchObject({ rabbitQuorumQueue: true, sslCaFile: '/etc/ca.pem' });
      expect(conf.osloMessagingNotifications.driver).toEqual(['messagingv2', 'log']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
