# SPDX-License-Identifier: Apache-2.0
"""A cloud that speaks HTTP on loopback: Keystone, Nova and Kerbside as far as the commands ask them."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "gAAAAABtest"
SERVER = "6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
VV_FILE = b"[virt-viewer]\ntype=spice\npassword=Zk3vQ0pLx8aB\n"
PAGE = 2


def session(number, state="active"):
    """Give a session as the service shows it."""
    return {
        "id": f"session-{number}",
        "source": "RegionOne",
        "instance_uuid": SERVER,
        "name": "windows-desktop",
        "project_id": "p1",
        "state": state,
        "issued_to": "alice",
        "created_at": "2026-11-20T12:00:00.000Z",
        "expires_at": "2026-11-20T12:10:00.000Z",
        "terminated_at": None,
        "closed_at": None,
        "reason": None,
        "links": [{"rel": "self", "href": f"http://127.0.0.1/v1/sessions/session-{number}"}],
    }


def console(source="RegionOne"):
    """Give a console as the service lists it."""
    return {
        "id": f"{source}/{SERVER}",
        "source": source,
        "instance_uuid": SERVER,
        "name": "windows-desktop",
        "project_id": "p1",
        "user_id": "u1",
        "instance_state": "ACTIVE",
        "protocol": "spice",
        "tags": ["pool:lab", "image:win11"],
        "created_at": "2026-11-20T12:00:00.000Z",
        "hypervisor": None,
        "links": [],
    }


#: What data may enter and leave a desktop, since 1.4.
POLICY = {
    "clipboard": {"value": "to-guest", "from": "source RegionOne"},
    "usb": {"value": ["class:08", "046d:c52b"], "from": "flavor"},
    "view_only": {"value": False, "from": "deployment"},
    "max_monitors": {"value": 2, "from": "project p1"},
}


class Cloud:
    """All services on one port.

    ``requests`` holds what was asked; ``faults`` what to answer instead: path -> (status, body).

    :param tls: ssl.SSLContext of a server; None speaks plain HTTP
    """

    def __init__(self, tls=None):
        self.requests = []
        self.faults = {}
        self.has_console = True
        self.newest = "1.8"
        self.console = None
        self.sessions = [session(1), session(2, "pending"), session(3, "closed"), session(4), session(5, "closing")]
        self.consoles = [console()]
        self.ended = []
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def log_message(self, *_):
                """Say nothing."""

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                url = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(url.query).items()}
                cloud.requests.append((self.command, url.path, query, dict(self.headers), body))
                status, content, headers = cloud.route(self.command, url.path, query, self.headers, body)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls is not None:
            # A client that does not take the certificate is no fault of the cloud's.
            self.server.handle_error = lambda *_: None
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.base = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()

    def asked(self, method, path):
        """Give the requests of one kind."""
        return [request for request in self.requests if request[:2] == (method, path)]

    def route(self, method, path, query, headers, body):
        """Give status, body and headers of an answer."""
        asjson = {"Content-Type": "application/json", "x-openstack-request-id": "req-1234"}
        if path in self.faults:
            status, content = self.faults[path]
            return status, content, asjson
        if path.startswith("/identity"):
            return self.keystone(method, asjson)
        if path.startswith("/compute"):
            return (*self.nova(method, path.removeprefix("/compute/v2.1"), query), asjson)
        if headers.get("X-Auth-Token") != TOKEN:
            return 401, fault(401, "log in"), asjson
        asked = headers.get("OpenStack-API-Version", "console 1.0")
        asjson["OpenStack-API-Version"] = f"console {self.newest}" if asked == "console latest" else asked
        return self.kerbside(method, path.removeprefix("/v1"), query, headers, body, asjson)

    def keystone(self, method, asjson):
        """Log everybody in."""
        if method == "GET":
            link = {"rel": "self", "href": f"{self.base}/identity/v3/"}
            version = {"id": "v3.14", "status": "stable", "links": [link]}
            return 200, {"version": version}, asjson
        services = [("compute", f"{self.base}/compute/v2.1")]
        if self.has_console:
            services.append(("console", self.console or self.base))
        catalog = [
            {
                "type": kind,
                "name": kind,
                "id": kind,
                "endpoints": [{"interface": "public", "region": "R", "region_id": "R", "url": url, "id": kind}],
            }
            for kind, url in services
        ]
        project = {"id": "p1", "name": "demo", "domain": {"id": "default", "name": "Default"}}
        user = {"id": "u1", "name": "alice", "domain": {"id": "default", "name": "Default"}}
        token = {
            "methods": ["password"],
            "user": user,
            "project": project,
            "roles": [{"id": "r", "name": "member"}],
            "catalog": catalog,
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "expires_at": "2099-01-01T00:00:00.000000Z",
        }
        return 201, {"token": token}, {**asjson, "X-Subject-Token": TOKEN}

    def nova(self, method, path, query):
        """Know one server, and make its console for browsers."""
        links = [{"rel": "self", "href": f"{self.base}/compute/v2.1/"}]
        version = {"id": "v2.1", "status": "CURRENT", "version": "2.96", "min_version": "2.1", "links": links}
        server = {"id": SERVER, "name": "windows-desktop", "status": "ACTIVE"}
        if path in ("", "/"):
            return 200, {"version": version}
        if path == f"/servers/{SERVER}":
            return 200, {"server": server}
        if method == "GET" and path in ("/servers", "/servers/detail"):
            found = query.get("name") in (None, "windows-desktop", "^windows-desktop$")
            return 200, {"servers": [server] if found else []}
        if path == f"/servers/{SERVER}/remote-consoles":
            url = f"{self.base}/spice_auto.html?token=t1"
            return 200, {"remote_console": {"protocol": "spice", "type": "spice-html5", "url": url}}
        return 404, {"itemNotFound": {"code": 404, "message": "Instance could not be found."}}

    def kerbside(self, method, path, query, headers, body, asjson):
        """Answer as the console service does."""
        if (method, path) == ("POST", "/consoles"):
            if headers["Accept"] != "application/x-virt-viewer":
                return 406, fault(406, "a file is asked for"), asjson
            if json.loads(body)["instance_uuid"] != SERVER:
                return 404, fault(404, "instance not found"), asjson
            return 200, VV_FILE, {"Content-Type": "application/x-virt-viewer"}
        if path == "/consoles":
            wanted = [one for one in self.consoles if query.get("instance_uuid") in (None, one["instance_uuid"])]
            wanted = [one for one in wanted if query.get("source") in (None, one["source"])]
            wanted = [one for one in wanted if query.get("name~", "") in one["name"]]
            return 200, {"consoles": wanted}, asjson
        if path.startswith("/consoles/"):
            known = {f"/consoles/{one['id']}": one for one in self.consoles}
            if path not in known:
                return 404, fault(404, "console not found"), asjson
            old = headers.get("OpenStack-API-Version") in (None, "console 1.0", "console 1.3")
            return 200, {"console": known[path] | ({} if old else {"guest_policy": POLICY})}, asjson
        if path == "/sessions":
            return 200, self.page("sessions", self.sessions, query), asjson
        if path.startswith("/sessions/"):
            known = {entry["id"]: entry for entry in self.sessions}
            entry = known.get(path.removeprefix("/sessions/"))
            if entry is None:
                return 404, fault(404, "session not found"), asjson
            if method == "DELETE":
                self.ended.append(entry["id"])
                return 204, b"", asjson
            return 200, {"session": entry}, asjson
        if path == "/connections":
            channel = {
                "channel": "main",
                "channel_id": 0,
                "state": "connected",
                "client_ip": "192.0.2.7",
                "created_at": "2026-11-20T12:00:00.000Z",
                "bytes_up": None,
                "bytes_down": None,
            }
            return 200, {"connections": [channel]}, asjson
        if path == "/sources":
            source = {"name": "RegionOne", "type": "openstack", "url": "http://k", "errored": False, "error": None}
            return 200, {"sources": [{**source, "last_seen_at": None}]}, asjson
        if path == "/services":
            if headers.get("OpenStack-API-Version") in (None, "console 1.0"):
                return 404, fault(404, "not found"), asjson
            service = {"binary": "kerbside-proxy", "host": "proxy1", "state": "up", "status": "enabled"}
            return 200, {"services": [{**service, "version": "1.0.0", "updated_at": None}]}, asjson
        if path == "/audit-events":
            old = headers.get("OpenStack-API-Version") in (None, "console 1.0", "console 1.1")
            facts = {} if old else {"issued_to": "ann", "client_ip": "192.0.2.7", "request_user": "bob"}
            events = [
                {
                    "id": number,
                    "created_at": "2026-11-20T12:00:00.000Z",
                    "source": "RegionOne",
                    "instance_uuid": SERVER,
                    "session_id": None,
                    "channel": None,
                    "message": f"event {number}",
                    "project_id": "p1",
                    "node": "proxy1",
                    "pid": 42,
                    **facts,
                }
                for number in range(250, 0, -1)
            ]
            return 200, self.page("audit_events", events, query, size=100), asjson
        return 404, fault(404, "not found"), asjson

    def page(self, key, entries, query, size=PAGE):
        """Give one page, with a link to the next."""
        marker = query.get("marker")
        names = [str(entry["id"]) for entry in entries]
        first = 0 if marker is None else names.index(marker) + 1
        count = min(int(query.get("limit", size)), size)
        shown = entries[first : first + count]
        body = {key: shown}
        if first + count < len(entries):
            href = f"{self.base}/v1/{key.replace('_', '-')}?limit={count}&marker={shown[-1]['id']}"
            body[f"{key}_links"] = [{"rel": "next", "href": href}]
        return body


def fault(status, detail):
    """Give an error body of the console service."""
    return {
        "errors": [
            {"status": status, "code": "kerbside.fault", "title": "Fault", "detail": detail, "request_id": "req-1234"}
        ]
    }
