// SPDX-License-Identifier: Apache-2.0
// A broker that lets a client in and sends it away in the same breath, as one that is being shut down may do.
import { afterEach, describe, expect, test } from '@jest/globals';
import { openMessaging } from '../../../src/messaging/messaging.js';
import type { Messaging } from '../../../src/messaging/messaging.js';
import { closeFrame, startAmqpServer } from '../../fixtures/amqp-server.js';
import type { AmqpServer } from '../../fixtures/amqp-server.js';
import { messagingConf } from '../../fixtures/messaging-conf.js';
import { waitFor } from '../../fixtures/program.js';

let server: AmqpServer | undefined;
let messaging: Messaging | undefined;

afterEach(async () => {
  await messaging?.close();
  await server?.close();
});

describe('a broker that sends its client away with the welcome', () => {
  test.each([
    [320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"],
    [541, 'INTERNAL_ERROR'],
    [403, 'ACCESS_REFUSED - not any more'],
  ])('for reason %s is asked again', async (code, text) => {
    server = await startAmqpServer(closeFrame(code, text));
    const { port } = server;
    const url = `rabbit://user:password@127.0.0.1:${port}/`;
    messaging = openMessaging(messagingConf({ OS_DEFAULT__TRANSPORT_URL: url }), 'kerbside-proxy');
    await waitFor('it is asked three times', () => (server?.welcomed ?? 0) >= 3);
    expect(messaging.status()).toMatchObject({ state: 'disconnected' });
    expect(messaging.status().fault).toContain(text.slice(0, 12));
  });
});
