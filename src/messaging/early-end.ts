// SPDX-License-Identifier: Apache-2.0
// The end of a connection that comes in the packet of its welcome, as when the broker is being shut down. amqplib handles
// it before it gives the connection to its caller, when there can be no listener: an 'error' would end the process, and a
// 'close' without a listener would leave a dead connection in use for ever. The class that it happens in is not among its exports.
import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ChannelModel } from 'amqplib';

type Open = (this: EventEmitter, ...args: unknown[]) => void;

const require = createRequire(import.meta.url);
const { Connection } = require(join(dirname(require.resolve('amqplib')), 'lib', 'connection.js')) as {
  readonly Connection: { readonly prototype: { open: Open } };
};

/** Connections that have ended, and why. */
const ended = new WeakMap<object, Error>();
const { prototype } = Connection;
const { open } = prototype;

prototype.open = function openListening(...args) {
  this.on('error', () => undefined);
  this.on('close', (fault: Error | undefined) => ended.set(this, fault ?? new Error('connection closed')));
  open.apply(this, args);
};

/** Why a connection has ended already; undefined while it is open. */
export function earlyEnd({ connection }: ChannelModel): Error | undefined {
  return ended.get(connection);
}
