#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The little of Neutron's API that nova calls for servers without networks.

Every list is empty; nothing can be created.  Servers must be made with
networks='none' (compute API 2.37 or later).
"""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LISTS = {'ports', 'networks', 'subnets', 'extensions', 'security-groups',
         'security-group-rules', 'floatingips', 'routers', 'agents',
         'segments', 'trunks'}


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        parts = self.path.split('?')[0].strip('/').split('/')
        here = 'http://%s/' % self.headers.get('Host')
        if parts == ['']:
            self.reply(200, {'versions': [
                {'id': 'v2.0', 'status': 'CURRENT',
                 'links': [{'rel': 'self', 'href': here + 'v2.0/'}]}]})
        elif parts == ['v2.0']:
            self.reply(200, {'resources': []})
        elif len(parts) == 2 and parts[1] in LISTS:
            self.reply(200, {parts[1].replace('-', '_'): []})
        elif len(parts) == 3 and parts[1] == 'quotas':
            self.reply(200, {'quota': {}})
        else:
            self.refuse()

    def refuse(self):
        length = int(self.headers.get('Content-Length') or 0)
        self.rfile.read(length)
        self.reply(404, {'NeutronError': {
            'type': 'NotFound', 'detail': '',
            'message': 'the lab has no Neutron (%s %s)' % (self.command, self.path)}})

    do_POST = do_PUT = do_DELETE = refuse


ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
