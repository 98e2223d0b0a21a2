#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A portal for desktops: sign in, pick or boot one, open it in a viewer or in the browser, end it.

An example of a broker, with Flask. What it asks of Kerbside is in cloud.py, its page in templates/page.html.
"""
import argparse
import hmac
import re
import secrets
import time
from urllib.parse import urlsplit

import waitress
from flask import Flask, Response, g, redirect, render_template, request, session
from werkzeug.exceptions import HTTPException

from cloud import Cloud, Refused

MOST_VISITORS = 1000
VISIT_SECONDS = 3600
NOT_READY = re.compile(r'not ready|not running|being moved|building', re.I)

app = Flask(__name__, static_folder=None)
# The cookie says which visitor it is, signed with a key of this process; what opens anything stays here.
app.config.update(SECRET_KEY=secrets.token_bytes(32), SESSION_COOKIE_SAMESITE='Lax', MAX_CONTENT_LENGTH=16 * 1024)
visitors = {}


class Visitor:
    """Somebody who has signed in: their token, and the sessions that they have opened, by desktop."""

    def __init__(self, name, token):
        self.name, self.token, self.opened, self.ends = name, token, {}, time.monotonic() + VISIT_SECONDS


@app.before_request
def visit():
    """Whose request it is. A form is one of ours when it has the CSRF token of the visitor's cookie."""
    session.setdefault('csrf', secrets.token_urlsafe(32))
    g.visitor = visitors.get(session.get('visitor'))
    if g.visitor and g.visitor.ends < time.monotonic():
        g.visitor = None
    if request.method != 'POST':
        return None
    origin = request.headers.get('Origin')
    ours = origin is None or urlsplit(origin).netloc == request.host
    if not ours or not hmac.compare_digest(request.form.get('csrf', '').encode(), session['csrf'].encode()):
        return page('This form is out of date', 403)
    return None if g.visitor or request.path == '/sign-in' else redirect('/', 303)


@app.after_request
def guard(response):
    # Forms go to us; what they are answered with may lead on to the desktop in the browser.
    forms = f"form-action 'self' {app.cloud.options.browser or ''}"
    response.headers.update({
        'Content-Security-Policy': f"default-src 'none'; {forms}; frame-ancestors 'none'; base-uri 'none'",
        'Cache-Control': 'no-store', 'Referrer-Policy': 'same-origin', 'X-Content-Type-Options': 'nosniff'})
    return response


def page(title, status=200, **parts):
    return render_template('page.html', title=title, cloud=app.cloud, **parts), status


@app.errorhandler(HTTPException)
def no_page(fault):
    return page(fault.name, fault.code)


@app.errorhandler(Refused)
def refused(fault):
    if fault.status == 401 and g.visitor:
        return sign_out()
    return page('That did not work', fault.status if 400 <= fault.status < 600 else 502, alert=fault.detail)


@app.get('/')
def desktops():
    if g.visitor is None:
        return page('Sign in')
    part = request.args.get('name', '')[:255]
    return page('Desktops', part=part, consoles=app.cloud.desktops(g.visitor.token, part))


@app.post('/sign-in')
def sign_in():
    name, password, project = (request.form.get(field, '') for field in ('name', 'password', 'project'))
    try:
        token = app.cloud.sign_in(name, password, project, request.remote_addr)
    except Refused as fault:
        if fault.status != 401:
            raise
        return page('Sign in', 401, alert='The name or the password is wrong.')
    if len(visitors) >= MOST_VISITORS:
        visitors.pop(next(iter(visitors)), None)
    # Another cookie than before: one that somebody else has planted is of no use to them.
    session.clear()
    session['visitor'] = secrets.token_urlsafe(32)
    visitors[session['visitor']] = Visitor(name, token)
    return redirect('/', 303)


@app.post('/sign-out')
def sign_out():
    visitors.pop(session.get('visitor'), None)
    session.clear()
    return redirect('/', 303)


@app.post('/open')
def open_desktop():
    return opened(**{name: request.form.get(name, '') for name in ('instance', 'how', 'replace', 'booted')})


def opened(instance, how='', replace='', booted=''):
    """A desktop, by a file or in the browser; or a page with the way on: taking it over, or trying again."""
    again = {'instance': instance, 'how': how, 'booted': booted}
    try:
        opened_session, file = app.cloud.open(g.visitor.token, instance, replace == 'yes')
    except Refused as fault:
        if fault.status == 409 and fault.detail == 'console in use':
            again['replace'] = 'yes'
            return page('Somebody else has this desktop open', 409, button='Take it over', again=again)
        if fault.status == 404 and booted or fault.status == 409 and NOT_READY.search(fault.detail):
            return page('The desktop is not ready yet', 409, button='Try again', again=again)
        raise
    g.visitor.opened[instance] = opened_session
    if how == 'browser' and app.cloud.options.browser:
        token = re.search(r'^password=([A-Za-z0-9]+)\r?$', file, re.M).group(1)
        return redirect(f'{app.cloud.options.browser.rstrip("/")}/spice_auto.html?token={token}', 303)
    name = {'Content-Disposition': 'attachment; filename="console.vv"'}
    return Response(file, mimetype='application/x-virt-viewer', headers=name)


@app.post('/end')
def end():
    ended = g.visitor.opened.pop(request.form.get('instance', ''), None)
    try:
        if ended is not None:
            app.cloud.end(g.visitor.token, ended)
    except Refused as fault:
        if fault.status != 404:  # It is over already.
            raise
    return redirect('/', 303)


@app.post('/boot')
def boot():
    return opened(app.cloud.boot(g.visitor.token, request.form.get('name', '')[:255]), booted='yes')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    add = parser.add_argument
    add('--kerbside', required=True, help='URL of the API of Kerbside')
    add('--browser', help='[html5proxy] public_url of Kerbside: offers desktops in the browser')
    add('--port', type=int, default=8080, help='port on 127.0.0.1; TLS is for the server in front of it')
    add('--plain', action='store_true', help='for a test without TLS: the cookie goes over plain HTTP too')
    add('--ca', help='PEM file of the CA of these services; without it those that requests has')
    add('--keystone', help='URL of Keystone with /v3: users sign in there')
    add('--domain', default='Default', help='the domain of users and projects')
    add('--nova', help='URL of Nova with /v2.1: offers to boot desktops; needs --keystone, --image and --flavor')
    add('--image', help='id of the image of a new desktop')
    add('--flavor', help='id of its flavor')
    add('--network', help='id of its network; without it Nova chooses')
    options = parser.parse_args()
    if options.nova and not (options.keystone and options.image and options.flavor):
        parser.error('--nova needs --keystone, --image and --flavor')
    app.cloud = Cloud(options)
    app.config['SESSION_COOKIE_NAME'] = 'portal' if options.plain else '__Host-portal'
    app.config['SESSION_COOKIE_SECURE'] = not options.plain
    server = waitress.create_server(
        app, host='127.0.0.1', port=options.port, threads=16, ident='portal',
        # Where the user is, the server in front of this one says: it is on the same host.
        trusted_proxy='127.0.0.1', trusted_proxy_headers='x-forwarded-for', clear_untrusted_proxy_headers=True)
    print(f'portal on http://127.0.0.1:{options.port}/', flush=True)
    server.run()


if __name__ == '__main__':
    main()
