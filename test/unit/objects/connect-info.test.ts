// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { connectProxyOf, connectProxyUrl } from '../../../src/objects/connect-info.js';

describe('the URL of a connect proxy', () => {
  it.each([
    ['http://proxy.example.com:3128', 'proxy.example.com', 3128],
    ['HTTP://192.0.2.1:8080/', '192.0.2.1', 8080],
    ['http://[2001:db8::1]:3128', '2001:db8::1', 3128],
    ['http://proxy', 'proxy', 80],
  ])('%s names a host and a port', (url, host, port) => {
    const proxy = connectProxyOf(url);
    expect(proxy).toEqual({ kind: 'connect_proxy', host, port });
    expect(connectProxyOf(connectProxyUrl({ host, port }))).toEqual(proxy);
  });

  it.each([
    ...[
      '',
      'proxy:3128',
      'https://proxy:3128',
      'socks5://proxy',
      'http://',
      'http://proxy:99999',
      'http:proxy',
    ],
    ...['http://user:word@proxy', 'http://proxy/path', 'http://proxy?x', 'http://proxy#x', 'http://a b'],
  ])('is not %s', (url) => {
    expect(connectProxyOf(url)).toBeNull();
  });
});
