#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Record the console API calls of the real cloud, request and response, as JSON.

    . openrc; ./capture_api.py SERVER-ID OUT-FOLDER [PREFIX]

Standard library only.  X-Auth-Token values are replaced by a word saying whose
they are; nothing else is changed.
"""
import json
import os
import sys
import urllib.error
import urllib.request

AUTH = os.environ['OS_AUTH_URL']
PASSWORD = os.environ['OS_PASSWORD']
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(method, url, body=None, headers=None, token=None):
    headers = dict(headers or {}, Accept='application/json')
    if body is not None:
        headers['Content-Type'] = 'application/json'
    sent = dict(headers)
    if token:
        sent['X-Auth-Token'] = token[1]
        headers['X-Auth-Token'] = '<token of %s>' % token[0]
    request = urllib.request.Request(
        url, method=method, headers=sent,
        data=None if body is None else json.dumps(body).encode())
    try:
        reply = opener.open(request)
    except urllib.error.HTTPError as error:
        reply = error
    text = reply.read().decode()
    head = {k: ('<token>' if k == 'X-Subject-Token' else v) for k, v in reply.headers.items()}
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    return reply, text, {
        'request': {'method': method, 'url': url, 'headers': headers, 'body': body},
        'response': {'status': reply.status, 'headers': head, 'body': text, 'json': parsed}}


def login(user, project):
    body = {'auth': {
        'identity': {'methods': ['password'], 'password': {'user': {
            'name': user, 'domain': {'id': 'default'}, 'password': PASSWORD}}},
        'scope': {'project': {'name': project, 'domain': {'id': 'default'}}}}}
    reply, text, record = call('POST', AUTH + '/auth/tokens', body)
    if reply.status != 201:
        sys.exit('login of %s: %s' % (user, text))
    record['request']['body']['auth']['identity']['password']['user']['password'] = '***'
    return (user, reply.headers['X-Subject-Token']), json.loads(text)['token'], record


def main(server, out, prefix=''):
    os.makedirs(out, exist_ok=True)

    def save(name, record):
        with open(os.path.join(out, prefix + name + '.json'), 'w') as f:
            json.dump(record, f, indent=1)
        print(prefix + name, record['response']['status'], record['response']['body'][:300])

    admin, token, record = login('admin', 'admin')
    save('keystone-auth-tokens', record)
    console, _, _ = login('console', 'service')
    demo, _, _ = login('demo', 'demo')
    nova = next(e['url'] for s in token['catalog'] if s['type'] == 'compute'
                for e in s['endpoints'] if e['interface'] == 'public')

    def compute(method, path, version, body=None, token=admin):
        return call(method, nova + path, body, {
            'OpenStack-API-Version': 'compute ' + version,
            'X-OpenStack-Nova-API-Version': version}, token)

    save('nova-versions', call('GET', nova + '/', token=admin)[2])

    for kind, versions in (('spice-direct', ('2.99', '2.98', '2.6')),
                           ('spice-html5', ('2.99', '2.98', '2.31', '2.8', '2.6'))):
        for version in versions:
            reply, text, record = compute(
                'POST', '/servers/%s/remote-consoles' % server, version,
                {'remote_console': {'protocol': 'spice', 'type': kind}})
            save('create-%s-at-%s' % (kind, version), record)
            if reply.status != 200:
                continue
            secret = json.loads(text)['remote_console']['url'].split('token=')[1]
            for look in ('2.99', '2.98', '2.31', '2.30', 'latest'):
                if version == versions[0]:
                    save('validate-%s-at-%s' % (kind, look),
                         compute('GET', '/os-console-auth-tokens/' + secret, look)[2])
            if version == versions[0]:
                for who in (console, demo):
                    save('validate-%s-as-%s' % (kind, who[0]),
                         compute('GET', '/os-console-auth-tokens/' + secret, '2.99', token=who)[2])
                save('validate-%s-a-second-time' % kind,
                     compute('GET', '/os-console-auth-tokens/' + secret, '2.99')[2])
    save('validate-unknown-token',
         compute('GET', '/os-console-auth-tokens/00000000-0000-4000-8000-000000000000', '2.99')[2])
    save('validate-garbage-token', compute('GET', '/os-console-auth-tokens/not%20a%20uuid', '2.99')[2])
    save('validate-no-login', call('GET', nova + '/os-console-auth-tokens/' + secret,
         headers={'OpenStack-API-Version': 'compute 2.99'})[2])
    save('validate-bad-login', call('GET', nova + '/os-console-auth-tokens/' + secret,
         headers={'OpenStack-API-Version': 'compute 2.99'}, token=('nobody', 'gAAAAAbad'))[2])
    save('create-for-other-project', compute(
        'POST', '/servers/%s/remote-consoles' % server, '2.99',
        {'remote_console': {'protocol': 'spice', 'type': 'spice-direct'}}, demo)[2])
    save('create-unknown-server', compute(
        'POST', '/servers/00000000-0000-4000-8000-000000000000/remote-consoles', '2.99',
        {'remote_console': {'protocol': 'spice', 'type': 'spice-direct'}})[2])
    save('create-vnc', compute(
        'POST', '/servers/%s/remote-consoles' % server, '2.99',
        {'remote_console': {'protocol': 'vnc', 'type': 'novnc'}})[2])
    save('create-old-action-at-2.5', compute(
        'POST', '/servers/%s/action' % server, '2.5', {'os-getSPICEConsole': {'type': 'spice-html5'}})[2])
    save('server-show', compute('GET', '/servers/' + server, '2.99')[2])
    save('servers-detail-all', compute('GET', '/servers/detail?all_tenants=1', '2.99')[2])
    save('hypervisors-detail', compute('GET', '/os-hypervisors/detail', '2.99')[2])


main(*sys.argv[1:])
