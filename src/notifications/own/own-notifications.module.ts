// SPDX-License-Identifier: Apache-2.0
// Provides the sender of Kerbside's own notifications over oslo.messaging.
import { Module } from '@nestjs/common';
import { CONF } from '../../conf/conf.module.js';
import { provider } from '../../injection.js';
import { Messaging } from '../../messaging/messaging.js';
import { OwnNotifications } from './own-notifications.js';

@Module({
  providers: [
    provider(
      OwnNotifications,
      [Messaging, CONF],
      (messaging, conf) => new OwnNotifications(messaging.notifier, conf),
    ),
  ],
  exports: [OwnNotifications],
})
export class OwnNotificationsModule {}
