#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Save nova's notifications exactly as they travel through RabbitMQ.

Runs in the chroot (up.sh installs it there):
    ./in-root notifications.py listen FOLDER      until killed
    ./in-root notifications.py bind QUEUE         only make a queue that collects them

One JSON file per message: exchange, routing key, AMQP properties, and the body
as the very string that was on the wire (`body`); `decoded` is the same parsed,
with the oslo.messaging envelope opened, for reading.
Passwords inside a body are replaced by '***', the one change made.
"""
import json
import os
import re
import signal
import sys

import amqp

PORT = os.environ['MQ_PORT']
PASSWORD = os.environ['CLOUD_PASSWORD']
EXCHANGE = 'nova'                       # oslo.messaging control_exchange
KEYS = ['notifications.*', 'versioned_notifications.*']
SECRET = re.compile(r'(\\*"(?:adminPass|admin_password|password)\\*": \\*")([^"\\]+)')

connection = amqp.Connection('127.0.0.1:' + PORT, 'openstack', PASSWORD)
connection.connect()
channel = connection.channel()
# nova declares it like this; declaring it again the same way is harmless
channel.exchange_declare(EXCHANGE, 'topic', durable=False, auto_delete=False)


def bind(queue):
    for key in KEYS:
        channel.queue_bind(queue, EXCHANGE, routing_key=key)


def listen(folder):
    os.makedirs(folder, exist_ok=True)
    queue = channel.queue_declare('', exclusive=True).queue
    bind(queue)
    count = 0

    def got(message):
        nonlocal count
        count += 1
        body = message.body
        if isinstance(body, bytes):
            body = body.decode()
        body = SECRET.sub(r'\1***', body)
        outer = json.loads(body)
        decoded = json.loads(outer['oslo.message']) if 'oslo.message' in outer else outer
        info = message.delivery_info
        kind = 'versioned' if info['routing_key'].startswith('versioned') else 'legacy'
        name = '%03d-%s-%s.json' % (count, kind, decoded['event_type'])
        with open(os.path.join(folder, name), 'w') as f:
            json.dump({'exchange': info['exchange'], 'routing_key': info['routing_key'],
                       'properties': message.properties, 'body': body,
                       'decoded': decoded}, f, indent=1, default=str)
        print(name, flush=True)

    channel.basic_consume(queue, callback=got, no_ack=True)
    print('listening', flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        connection.drain_events()


if sys.argv[1] == 'listen':
    listen(sys.argv[2])
else:
    channel.queue_declare(sys.argv[2], durable=False, auto_delete=False)
    bind(sys.argv[2])
    print('queue %s bound to %s %s' % (sys.argv[2], EXCHANGE, KEYS))
