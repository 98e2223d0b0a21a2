# SPDX-License-Identifier: Apache-2.0
"""Services on a loopback port, and requests of somebody who is signed in."""

import http.server
import json
import threading
import types

from django.test import RequestFactory

TOKEN = "gAAAAA-token-of-ann"
INSTANCE = "6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c"
VV_FILE = b"[virt-viewer]\ntype=spice\npassword=once\n"
VIRT_VIEWER = {"Content-Type": "application/x-virt-viewer; charset=utf-8"}


class Service:
    """An HTTP server that answers as it is told to and remembers what it was asked."""

    def __init__(self):
        self.requests = []
        self.answers = {}
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""

            def do_GET(self):  # noqa: N802
                """Answer."""
                self._answer()

            def do_POST(self):  # noqa: N802
                """Answer."""
                self._answer()

            def _answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                service.requests.append((self.command, self.path, self.headers, json.loads(body) if body else None))
                status, headers, content = service.answers.get(f"{self.command} {self.path}", (404, {}, {}))
                content = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def on(self, request, status, content, headers=None):
        """Answer a request, such as `GET /v1/`, so."""
        self.answers[request] = (status, headers or {}, content)

    def asked(self, request):
        """Give (headers, body) of each such request."""
        return [(headers, body) for method, path, headers, body in self.requests if f"{method} {path}" == request]

    def close(self):
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def request(**services):
    """Give a request of somebody whose catalog has these services, by type."""
    asked = RequestFactory().get("/project/instances/")
    catalog = [
        {
            "type": kind.replace("_", "-"),
            "name": kind,
            "endpoints": [{"interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": url}],
        }
        for kind, url in services.items()
    ]
    asked.user = types.SimpleNamespace(
        token=types.SimpleNamespace(id=TOKEN), service_catalog=catalog, services_region="RegionOne"
    )
    return asked
