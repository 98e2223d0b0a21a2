# SPDX-License-Identifier: Apache-2.0
"""What the portal asks of Kerbside, and of Keystone and Nova where they are: all of the API that it needs."""
import json
from urllib.parse import quote, urlsplit

import requests

MOST_ANSWER = 4 * 1024 * 1024
TIMEOUT = 15


class Refused(Exception):
    """A service says no. `detail` is its own sentence."""

    def __init__(self, status, detail):
        super().__init__(detail)
        self.status, self.detail = status, detail


class Service:
    """HTTP with deadlines and bounds. A token goes to the service that it is for: by no redirect, and by no proxy."""

    def __init__(self, base, ca=None):
        self.base, self.ca = base.rstrip('/'), ca or True

    def ask(self, method, path, body=None, headers=None):
        """(headers, text). Raises Refused."""
        asked = {'json': body, 'headers': {'Accept': 'application/json', **(headers or {})}, 'verify': self.ca}
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.request(
                    method, self.base + path, **asked, timeout=TIMEOUT, allow_redirects=False, stream=True)
                text = answer.raw.read(MOST_ANSWER, decode_content=True).decode('utf-8', 'replace')
            except (requests.RequestException, OSError):
                raise Refused(503, 'The service does not answer. Try again in a moment.') from None
        if answer.status_code >= 300:
            raise Refused(answer.status_code, sentence(text) or answer.reason)
        return answer.headers, text

    def json(self, *asked):
        return json.loads(self.ask(*asked)[1])


def sentence(text):
    """What is wrong, in the forms of Kerbside's two APIs, of Keystone and of Nova."""
    try:
        said = json.loads(text)
        if 'errors' in said:
            return str(said['errors'][0]['detail'])
        first = next(iter(said.values()))
        return str(first['message'] if isinstance(first, dict) else first)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, StopIteration):
        return ''


class Cloud:
    """What a portal asks of Kerbside, and of Keystone and Nova where they are."""

    def __init__(self, options):
        self.kerbside, self.options = Service(options.kerbside, options.ca), options
        self.keystone = Service(options.keystone, options.ca) if options.keystone else None
        self.nova = Service(options.nova, options.ca) if options.nova else None

    def sign_in(self, name, password, project, address):
        """A token: Keystone's where users are its own, else Kerbside's, which counts failures by the user's address."""
        if self.keystone is None:
            login = {'username': name, 'password': password}
            return self.kerbside.json('POST', '/auth', login, {'X-Forwarded-For': address})['access_token']
        domain = {'name': self.options.domain}
        user = {'name': name, 'domain': domain, 'password': password}
        identity = {'methods': ['password'], 'password': {'user': user}}
        scope = {'project': {'name': project, 'domain': domain}}
        headers, _ = self.keystone.ask('POST', '/auth/tokens', {'auth': {'identity': identity, 'scope': scope}})
        return headers['X-Subject-Token']

    def headers(self, token):
        who = {'X-Auth-Token': token} if self.keystone else {'Authorization': 'Bearer ' + token}
        return {**who, 'OpenStack-API-Version': 'console 1.5'}

    def desktops(self, token, part):
        query = '?limit=100&sort=name:asc' + ('&name~=' + quote(part, safe='') if part else '')
        return self.kerbside.json('GET', '/v1/consoles' + query, None, self.headers(token))['consoles']

    def open(self, token, instance, replace):
        """(session, the text of its .vv file)."""
        wanted = {'instance_uuid': instance, **({'replace': True} if replace else {})}
        console = self.kerbside.json('POST', '/v1/consoles', wanted, self.headers(token))['console']
        # By our own way to Kerbside: its name for itself may be one for clients only.
        where = urlsplit(next(link['href'] for link in console['links'] if link['rel'] == 'console_file'))
        _, text = self.kerbside.ask('GET', f'{where.path}?{where.query}', None, {'Accept': 'application/x-virt-viewer'})
        return console['session_id'], text

    def end(self, token, session):
        self.kerbside.ask('DELETE', '/v1/sessions/' + quote(session, safe=''), None, self.headers(token))

    def boot(self, token, name):
        """The id of a new instance."""
        network = [{'uuid': self.options.network}] if self.options.network else 'auto'
        server = {'name': name, 'imageRef': self.options.image, 'flavorRef': self.options.flavor, 'networks': network}
        headers = {'X-Auth-Token': token, 'OpenStack-API-Version': 'compute 2.37'}
        return self.nova.json('POST', '/servers', {'server': server}, headers)['server']['id']
