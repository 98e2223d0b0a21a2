// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { loadConf } from '../../../src/conf/index.js';
import { Secret } from '../../../src/conf/secret.js';
import { ConfError } from '../../../src/exception.js';
import { parseTransportUrl } from '../../../src/messaging/transport-url.js';
import type { BrokerTarget } from '../../../src/messaging/transport-url.js';

const OPTIONS = loadConf({ configFiles: ['/dev/null'], configDirs: [] }, {}).conf.osloMessagingRabbit;
const FROM = { group: 'DEFAULT', option: 'transport_url' };

function parse(url: string): BrokerTarget {
  return parseTransportUrl(new Secret(url), OPTIONS, FROM);
}

function hostsOf(url: string): unknown[] {
  return parse(url).hosts.map(({ host, port, user, password }) => [host, port, user, password.reveal()]);
}

describe('a transport URL', () => {
  it.each([
    ['rabbit://u:p@h/', [['h', 5672, 'u', 'p']]],
    ['rabbit://u:p@h:5671/v', [['h', 5671, 'u', 'p']]],
    ['RABBIT://u:p@h', [['h', 5672, 'u', 'p']]],
    ['kombu://u:p@h', [['h', 5672, 'u', 'p']]],
    ['rabbit://h', [['h', 5672, 'guest', 'guest']]],
    ['rabbit://u@h', [['h', 5672, 'u', '']]],
    ['rabbit://u:@h', [['h', 5672, 'u', '']]],
    ['rabbit://u:a:b@h', [['h', 5672, 'u', 'a:b']]],
    ['rabbit://u%40x:p%40ss%3Aw%2Frd%25%3F%2C@h', [['h', 5672, 'u@x', 'p@ss:w/rd%?,']]],
    ['rabbit://u:p@[::1]:5673/', [['::1', 5673, 'u', 'p']]],
    ['rabbit://[fe80::1]', [['fe80::1', 5672, 'guest', 'guest']]],
    [
      'rabbit://u:p@h1:1,u:q@[::2],w:r@h3:3/v',
      [
        ['h1', 1, 'u', 'p'],
        ['::2', 5672, 'u', 'q'],
        ['h3', 3, 'w', 'r'],
      ],
    ],
    [' rabbit://u:p@h/ ', [['h', 5672, 'u', 'p']]],
  ])('%s names its hosts', (url, hosts) => {
    expect(hostsOf(url)).toEqual(hosts);
  });

  it.each([
    ['rabbit://h', '/'],
    ['rabbit://h/', '/'],
    ['rabbit://h//', '/'],
    ['rabbit://h/%2F', '/'],
    ['rabbit://h/nova', 'nova'],
    ['rabbit://h/a%2Fb', 'a/b'],
    ['rabbit://h/nova?ssl=1', 'nova'],
    ['rabbit://h?ssl=1', '/'],
  ])('%s names virtual host %s', (url, vhost) => {
    expect(parse(url).virtualHost).toBe(vhost);
  });

  it('overrides options for itself alone', () => {
    const { options } = parse(
      'rabbit://h/?ssl=1&rabbit_retry_interval=7&heartbeat_rate=2&ssl_ca_file=/a%20b',
    );
    expect(options).toMatchObject({
      ssl: true,
      rabbitRetryInterval: 7,
      sslCaFile: '/a b',
      rabbitRetryBackoff: 2,
    });
    expect(OPTIONS.ssl).toBe(false);
  });

  it.each([
    ['rabbit:/u:s3cret@h', 'not understood'],
    ['s3cret', 'not understood'],
    ['rabbit://u:s3cret#x@h', 'not understood'],
    ['kafka://u:s3cret@h', 'driver "kafka" is not supported'],
    ['fake://u:s3cret@h', 'driver "fake" is not supported'],
    ['rabbit://', 'no host'],
    ['rabbit://u:s3cret@', 'a host that is not understood'],
    ['rabbit://u:s3cret@h:x', 'a host that is not understood'],
    ['rabbit://u:s3cret@::1', 'a host that is not understood'],
    ['rabbit://u:s3cret@h:70000', 'a port out of range'],
    ['rabbit://u:s3cret@h:0', 'a port out of range'],
    ['rabbit://:s3cret@h', 'a password without a user'],
    ['rabbit://u:s3cret@h1,h2', 'some hosts have a user'],
    ['rabbit://u:s3cret%@h', 'a percent sign'],
    ['rabbit://h/%zz', 'a percent sign'],
    ['rabbit://u:x@h/?s3cret=1', 'a name in the query is no option'],
    [
      'rabbit://u:x@h/?sssl=1',
      '"sssl" in the query is no option of [oslo_messaging_rabbit]; did you mean ssl?',
    ],
    ['rabbit://u:x@h/?ssl=s3cret', 'ssl in the query does not fit'],
    ['rabbit://u:x@h/?rabbit_login_method=s3cret', 'rabbit_login_method in the query does not fit'],
    [`rabbit://${'h,'.repeat(40)}`, 'more than 32 hosts'],
    [`rabbit://h/${'v'.repeat(300)}`, 'a virtual host of more than 255 bytes'],
    [`rabbit://u:${'x'.repeat(9000)}@h`, 'more than 8192 characters'],
  ])('%s is refused', (url, words) => {
    let message = '';
    try {
      parse(url);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfError);
      message = (error as Error).message;
    }
    expect(message).toContain('[DEFAULT] transport_url: ');
    expect(message).toContain(words);
    expect(message).not.toContain('s3cret');
  });
});
