#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A portal for desktops: sign in, pick or boot one, open it in a viewer or in the browser, end it.

An example of a broker. It needs nothing beside Python 3.9 or later; what it asks of Kerbside is in cloud.py.
"""
import argparse
import hmac
import html
import ipaddress
import re
import secrets
import threading
import time
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cloud import Cloud, Refused

MOST_BODY = 16 * 1024
MOST_VISITORS = 1000
VISIT_SECONDS = 3600
NOT_READY = re.compile(r'not ready|not running|being moved|building', re.I)


class Visitor:
    """Somebody with a cookie of ours: at first without a login, then with a token, which stays in this process."""

    def __init__(self):
        self.csrf, self.ends = secrets.token_urlsafe(32), time.monotonic() + VISIT_SECONDS
        self.name, self.token, self.opened = None, None, {}


class Visitors:
    """All of them, by the value of their cookie. Bounded: the oldest one without a login is forgotten first."""

    def __init__(self):
        self.lock, self.known = threading.Lock(), {}

    def find(self, key):
        with self.lock:
            visitor = self.known.get(key)
            return visitor if visitor is not None and visitor.ends > time.monotonic() else None

    def add(self, instead_of=None):
        with self.lock:
            self.known.pop(instead_of, None)
            if len(self.known) >= MOST_VISITORS:
                strangers = (old for old, visitor in self.known.items() if visitor.token is None)
                del self.known[next(strangers, next(iter(self.known)))]
            key = secrets.token_urlsafe(32)
            self.known[key] = Visitor()
            return key, self.known[key]


class Portal(BaseHTTPRequestHandler):
    """The pages. Whatever changes something is a POST with the visitor's CSRF token, from a page of ours."""

    server_version, sys_version, timeout = 'portal', '', 30

    def do_GET(self):
        self.visit()
        if urlsplit(self.path).path != '/':
            return self.page('No such page', '', 404)
        if self.visitor.token is None:
            return self.sign_in_page()
        return self.guarded(self.desktops)

    def do_POST(self):
        self.visit()
        form = self.form()
        if form is None:
            return None
        actions = {'/sign-in': self.sign_in, '/sign-out': self.sign_out, '/open': self.open, '/end': self.end, '/boot': self.boot}
        action = actions.get(self.path)
        if action is None:
            return self.page('No such page', '', 404)
        if action != self.sign_in and self.visitor.token is None:
            return self.go_home()
        return self.guarded(lambda: action(form))

    def visit(self):
        """Finds the visitor by their cookie, or begins with a new one."""
        try:
            morsel = SimpleCookie(self.headers.get('Cookie', '')).get(self.server.cookie)
        except CookieError:
            morsel = None
        self.key, self.fresh = (morsel.value if morsel else None), False
        self.visitor = self.server.visitors.find(self.key)
        if self.visitor is None:
            self.start_anew(None)

    def start_anew(self, instead_of):
        self.key, self.visitor = self.server.visitors.add(instead_of)
        self.fresh = True

    def form(self):
        """The fields of a form of ours; None: it is none, and the answer has been sent."""
        size = self.headers.get('Content-Length', '')
        if not size.isdigit() or int(size) > MOST_BODY:
            self.close_connection = True
            return self.page('The form is too long', '', 413)
        fields = {name: values[0] for name, values in parse_qs(self.rfile.read(int(size)).decode('utf-8', 'replace')).items()}
        origin = self.headers.get('Origin')
        ours = origin is None or urlsplit(origin).netloc == self.headers.get('Host')
        if not ours or not hmac.compare_digest(fields.get('csrf', '').encode(), self.visitor.csrf.encode()):
            return self.page('This form is out of date', '<p><a href="/">Begin again</a></p>', 403)
        return fields

    def guarded(self, work):
        try:
            return work()
        except Refused as fault:
            if fault.status == 401 and self.visitor.token is not None:
                return self.sign_out()
            status = fault.status if 400 <= fault.status < 600 else 502
            return self.page('That did not work', f'<p role="alert">{html.escape(fault.detail)}</p><p><a href="/">Back</a></p>', status)

    def sign_in_page(self, alert='', status=200):
        project = '<p><label>Project <input name="project" required></label></p>' if self.server.cloud.keystone else ''
        fields = ('<p><label>Name <input name="name" autocomplete="username" required></label></p>'
                  '<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>')
        self.page('Sign in', alert + self.form_to('/sign-in', fields + project, 'Sign in'), status)

    def sign_in(self, form):
        name = form.get('name', '')
        try:
            token = self.server.cloud.sign_in(name, form.get('password', ''), form.get('project', ''), self.address())
        except Refused as fault:
            if fault.status != 401:
                raise
            return self.sign_in_page('<p role="alert">The name or the password is wrong.</p>', 401)
        # Another cookie than before: one that somebody else has planted is of no use to them.
        self.start_anew(self.key)
        self.visitor.name, self.visitor.token = name, token
        return self.go_home()

    def address(self):
        """Where the user is: only the server in front of this one, on the same host, can say so."""
        said = self.headers.get('X-Forwarded-For', '').split(',')[-1].strip()
        try:
            return str(ipaddress.ip_address(said))
        except ValueError:
            return self.client_address[0]

    def sign_out(self, _form=None):
        self.start_anew(self.key)
        return self.go_home()

    def desktops(self):
        part = parse_qs(urlsplit(self.path).query).get('name', [''])[0][:255]
        rows = ''.join(self.row(console) for console in self.server.cloud.desktops(self.visitor, part))
        search = f'<form><p><label>Name contains <input name="name" value="{html.escape(part)}"></label> <button>Search</button></p></form>'
        boot = self.form_to('/boot', '<label>Name <input name="name" required maxlength="255"></label>', 'Boot a desktop') if self.server.cloud.nova else ''
        table = f'<table><tbody>{rows}</tbody></table>' if rows else '<p>There is no desktop for you.</p>'
        leave = self.form_to('/sign-out', '', 'Sign out')
        self.page('Desktops', f'<p>Signed in as {html.escape(self.visitor.name)}.</p>{search}{table}{boot}{leave}')

    def row(self, console):
        instance = html.escape(console['instance_uuid'])
        name = html.escape(console['name'] or console['instance_uuid'])
        field = f'<input type="hidden" name="instance" value="{instance}">'
        buttons = self.form_to('/open', field, 'Open in a viewer')
        if self.server.browser:
            buttons += self.form_to('/open', field + '<input type="hidden" name="how" value="browser">', 'Open in the browser')
        session = self.visitor.opened.get(console['instance_uuid'])
        if session:
            buttons += self.form_to('/end', field, 'End')
        return f'<tr><th scope="row">{name}</th><td>{buttons}</td></tr>'

    def open(self, form):
        instance, how = form.get('instance', ''), form.get('how', 'file')
        try:
            session, file = self.server.cloud.open(self.visitor, instance, form.get('replace') == 'yes')
        except Refused as fault:
            again = ''.join(f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in (('instance', instance), ('how', how)))
            if fault.status == 409 and fault.detail == 'console in use':
                replace = self.form_to('/open', again + '<input type="hidden" name="replace" value="yes">', 'Take it over')
                return self.page('Somebody else has this desktop open', replace + '<p><a href="/">Back</a></p>', 409)
            if fault.status == 404 and form.get('booted') == 'yes' or fault.status == 409 and NOT_READY.search(fault.detail):
                again += '<input type="hidden" name="booted" value="yes">' if form.get('booted') == 'yes' else ''
                return self.page('The desktop is not ready yet', self.form_to('/open', again, 'Try again') + '<p><a href="/">Back</a></p>', 409)
            raise
        self.visitor.opened[instance] = session
        if how == 'browser' and self.server.browser:
            token = re.search(r'^password=([A-Za-z0-9]+)\r?$', file, re.M).group(1)
            return self.go(f'{self.server.browser}/spice_auto.html?token={token}')
        name = {'Content-Disposition': 'attachment; filename="console.vv"'}
        return self.answer(200, file.encode(), 'application/x-virt-viewer', name)

    def end(self, form):
        session = self.visitor.opened.pop(form.get('instance', ''), None)
        if session is not None:
            try:
                self.server.cloud.end(self.visitor, session)
            except Refused as fault:
                if fault.status != 404:  # It is over already.
                    raise
        return self.go_home()

    def boot(self, form):
        if self.server.cloud.nova is None:
            return self.page('No such page', '', 404)
        instance = self.server.cloud.boot(self.visitor, form.get('name', '')[:255])
        return self.open({'instance': instance, 'booted': 'yes'})

    def form_to(self, path, fields, button):
        csrf = f'<input type="hidden" name="csrf" value="{self.visitor.csrf}">'
        return f'<form method="post" action="{path}">{csrf}{fields} <button>{html.escape(button)}</button></form>'

    def page(self, title, body, status=200):
        text = (f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
                f'<title>{title}</title><main><h1>{title}</h1>{body}</main></html>')
        self.answer(status, text.encode(), 'text/html; charset=utf-8')

    def go_home(self):
        return self.go('/')

    def go(self, place):
        return self.answer(303, b'', 'text/plain', {'Location': place})

    def answer(self, status, body, kind, headers=None):
        self.send_response(status)
        # Forms go to us; what they are answered with may lead on to the desktop in the browser.
        policy = f"default-src 'none'; form-action 'self' {self.server.browser or ''}; frame-ancestors 'none'; base-uri 'none'"
        fixed = {'Content-Type': kind, 'Content-Length': str(len(body)), 'Cache-Control': 'no-store', 'Referrer-Policy': 'same-origin',
                 'X-Content-Type-Options': 'nosniff', 'Content-Security-Policy': policy}
        for name, value in {**fixed, **(headers or {})}.items():
            self.send_header(name, value)
        if self.fresh:
            secure = '; Secure' if self.server.cookie.startswith('__Host-') else ''
            self.send_header('Set-Cookie', f'{self.server.cookie}={self.key}; Path=/; HttpOnly; SameSite=Lax{secure}')
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code='-', size='-'):
        self.log_message('%s %s %s', self.command, urlsplit(self.path).path, code)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--kerbside', required=True, help='URL of the API of Kerbside')
    parser.add_argument('--browser', help='[html5proxy] public_url of Kerbside: offers desktops in the browser')
    parser.add_argument('--port', type=int, default=8080, help='port on 127.0.0.1; TLS is for the server in front of it')
    parser.add_argument('--plain', action='store_true', help='for a test without TLS: the cookie goes over plain HTTP too')
    parser.add_argument('--ca', help='PEM file of the CA of these services; without it those of the system')
    parser.add_argument('--keystone', help='URL of Keystone with /v3: users sign in there')
    parser.add_argument('--domain', default='Default', help='the domain of users and projects')
    parser.add_argument('--nova', help='URL of Nova with /v2.1: offers to boot desktops; needs --keystone, --image and --flavor')
    parser.add_argument('--image', help='id of the image of a new desktop')
    parser.add_argument('--flavor', help='id of its flavor')
    parser.add_argument('--network', help='id of its network; without it Nova chooses')
    options = parser.parse_args()
    if options.nova and not (options.keystone and options.image and options.flavor):
        parser.error('--nova needs --keystone, --image and --flavor')
    server = ThreadingHTTPServer(('127.0.0.1', options.port), Portal)
    server.daemon_threads = True
    server.cloud, server.visitors = Cloud(options), Visitors()
    server.browser = options.browser.rstrip('/') if options.browser else None
    server.cookie = 'portal' if options.plain else '__Host-portal'
    print(f'portal on http://127.0.0.1:{server.server_port}/', flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == '__main__':
    main()
