// SPDX-License-Identifier: Apache-2.0
// A message that calls itself a notification of Nova about an instance, and is not one.
import { InvalidInput } from '../exception.js';

/** The message cannot be understood, now or ever. Its text names the field and the fault, no value but the event. */
export class NotificationFault extends InvalidInput {}
