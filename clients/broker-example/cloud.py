# SPDX-License-Identifier: Apache-2.0
"""What the portal asks of Kerbside, and of Keystone and Nova where they are: the whole of the public API that it needs."""
import json
import ssl
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

MOST_ANSWER = 4 * 1024 * 1024
TIMEOUT = 15


class Refused(Exception):
    """A service says no. `detail` is its own sentence."""

    def __init__(self, status, detail):
        super().__init__(detail)
        self.status, self.detail = status, detail


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to the service that it is for, and nowhere else."""

    def redirect_request(self, *_):
        return None


class Service:
    """HTTP with JSON, deadlines and bounds."""

    def __init__(self, base, ca=None):
        self.base = base.rstrip('/')
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))
        self.opener = urllib.request.build_opener(tls, NoRedirect, urllib.request.ProxyHandler({}))

    def ask(self, method, path, body=None, headers=None):
        """(headers, bytes). Raises Refused."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {'Accept': 'application/json', **(headers or {})}, method=method)
        if data is not None:
            request.add_header('Content-Type', 'application/json')
        try:
            with self.opener.open(request, timeout=TIMEOUT) as answer:
                return answer.headers, answer.read(MOST_ANSWER)
        except urllib.error.HTTPError as fault:
            raise Refused(fault.code, sentence(fault.read(64 * 1024)) or fault.reason) from None
        except OSError:
            raise Refused(503, 'The service does not answer. Try again in a moment.') from None

    def json(self, *asked):
        return json.loads(self.ask(*asked)[1])


def sentence(body):
    """What is wrong, in the forms of Kerbside's two APIs, of Keystone and of Nova."""
    try:
        said = json.loads(body)
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

    def headers(self, visitor):
        who = {'X-Auth-Token': visitor.token} if self.keystone else {'Authorization': 'Bearer ' + visitor.token}
        return {**who, 'OpenStack-API-Version': 'console 1.5'}

    def desktops(self, visitor, part):
        query = '?limit=100&sort=name:asc' + ('&name~=' + quote(part, safe='') if part else '')
        return self.kerbside.json('GET', '/v1/consoles' + query, None, self.headers(visitor))['consoles']

    def open(self, visitor, instance, replace):
        """(session, the text of its .vv file)."""
        wanted = {'instance_uuid': instance, **({'replace': True} if replace else {})}
        console = self.kerbside.json('POST', '/v1/consoles', wanted, self.headers(visitor))['console']
        href = next(link['href'] for link in console['links'] if link['rel'] == 'console_file')
        where = urlsplit(href)
        # By our own way to Kerbside: its name for itself may be one for clients only.
        _, text = self.kerbside.ask('GET', f'{where.path}?{where.query}', None, {'Accept': 'application/x-virt-viewer'})
        return console['session_id'], text.decode()

    def end(self, visitor, session):
        self.kerbside.ask('DELETE', '/v1/sessions/' + quote(session, safe=''), None, self.headers(visitor))

    def boot(self, visitor, name):
        """The id of a new instance."""
        asked = {'name': name, 'imageRef': self.options.image, 'flavorRef': self.options.flavor}
        network = [{'uuid': self.options.network}] if self.options.network else 'auto'
        body = {'server': {**asked, 'networks': network}}
        headers = {'X-Auth-Token': visitor.token, 'OpenStack-API-Version': 'compute 2.37'}
        return self.nova.json('POST', '/servers', body, headers)['server']['id']
