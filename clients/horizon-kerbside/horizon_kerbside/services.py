# SPDX-License-Identifier: Apache-2.0
"""Kerbside and Nova, asked as the user who is signed in: with deadlines and bounds, and answers that are judged."""

import dataclasses
import json
from urllib.parse import urlsplit

from django.conf import settings
from horizon import exceptions
from openstack_dashboard.api import base
import requests
import urllib3

#: The type of Kerbside in the catalog.
SERVICE_TYPE = "console"
VIRT_VIEWER = "application/x-virt-viewer"
#: Bytes that an answer may have.
MOST_ANSWER = 1024 * 1024
#: Seconds for the connection, and for each wait within the answer. Kerbside gives its own questions to Nova ten.
TIMEOUT = (5, 20)
#: The same where somebody only wants to look.
GLANCE = (3, 5)
#: Minor versions of Kerbside: `replace`, and a URL for browsers in the answer.
REPLACE, BROWSER = 5, 8
#: Nova's first microversions with remote-consoles, and with spice-direct among them.
REMOTE_CONSOLES, SPICE_DIRECT = "2.6", "2.99"


class Refused(Exception):
    """A service says no, or nothing.

    :param status: of HTTP; 0 when there was no answer that could be read
    :param detail: the service's own sentence, one line; may be empty
    """

    def __init__(self, status, detail=""):
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    type: str
    body: bytes

    def json(self):
        """Give the JSON object. Raises Refused when it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            raise Refused(0) from None
        if not isinstance(value, dict):
            raise Refused(0)
        return value


def endpoint(request, service_type):
    """Give a service's URL from the user's catalog, without a slash at its end; None when it has none."""
    try:
        url = base.url_for(request, service_type)
    except exceptions.ServiceCatalogException:
        return None
    return url.rstrip("/")


class Kerbside:
    """The calls of Kerbside's API that a dashboard needs."""

    def __init__(self, request):
        found = endpoint(request, SERVICE_TYPE)
        # Some sites register a version's URL, as other services do.
        self.url = found[: -len("/v1")] if found is not None and found.endswith("/v1") else found
        self._request = request

    @property
    def present(self):
        """Whether the catalog has it."""
        return self.url is not None

    def minor(self):
        """Give the newest minor version that it speaks. Raises Refused when it does not answer as Kerbside does."""
        versions = ask(self._request, "GET", f"{self.url}/v1/", timeout=GLANCE).json().get("versions")
        try:
            major, minor = versions[0]["max_version"].split(".")
            return int(minor) if major == "1" else 0
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise Refused(0) from None

    def vv_file(self, instance_id, replace):
        """Open a console; give the bytes of its .vv file, which hold a password that works once."""
        body = {"instance_uuid": instance_id, **({"replace": True} if replace else {})}
        headers = {"Accept": VIRT_VIEWER, **(version(REPLACE) if replace else {})}
        answer = ask(self._request, "POST", f"{self.url}/v1/consoles", body, headers)
        if answer.type != VIRT_VIEWER:
            raise Refused(0)
        return answer.body

    def browser_url(self, instance_id, replace):
        """Open a console; give the URL of its desktop in the browser, None when this Kerbside gives none."""
        if self.minor() < BROWSER:
            return None
        body = {"instance_uuid": instance_id, "type": "spice-html5", **({"replace": True} if replace else {})}
        try:
            console = ask(self._request, "POST", f"{self.url}/v1/consoles", body, version(BROWSER)).json()["console"]
            links = {link.get("rel"): link.get("href") for link in console.get("links", [])}
        except (AttributeError, KeyError, TypeError):
            raise Refused(0) from None
        url = links.get("console_browser")
        return None if url is None else web_url(url)


class Nova:
    """Nova's remote consoles."""

    def __init__(self, request):
        self._request = request

    def console_url(self, instance_id, console_type, microversion):
        """Give the URL that Nova makes for a console of this type."""
        url = endpoint(self._request, "compute")
        if url is None:
            raise Refused(0)
        body = {"remote_console": {"protocol": "spice", "type": console_type}}
        headers = {"OpenStack-API-Version": f"compute {microversion}"}
        answer = ask(self._request, "POST", f"{url}/servers/{instance_id}/remote-consoles", body, headers).json()
        try:
            return web_url(answer["remote_console"]["url"])
        except (KeyError, TypeError):
            raise Refused(0) from None


def version(minor):
    """Give the header that asks for a minor version of Kerbside."""
    return {"OpenStack-API-Version": f"console 1.{minor}"}


def web_url(url):
    """Give a URL that a browser may be sent to. Raises Refused when it is none."""
    if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise Refused(0)
    return url


def ask(request, method, url, body=None, headers=None, timeout=TIMEOUT):
    """Give the answer to a request with the user's token. Raises Refused."""
    verify = not getattr(settings, "OPENSTACK_SSL_NO_VERIFY", False)
    if verify:
        verify = getattr(settings, "OPENSTACK_SSL_CACERT", None) or True
    headers = {"Accept": "application/json", **(headers or {}), "X-Auth-Token": request.user.token.id}
    try:
        # A token goes to the service that it is for, and nowhere else.
        with requests.request(
            method,
            url,
            json=body,
            headers=headers,
            timeout=timeout,
            verify=verify,
            allow_redirects=False,
            stream=True,
        ) as answer:
            text = answer.raw.read(MOST_ANSWER + 1, decode_content=True)
            kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
            status = answer.status_code
    # What urllib3 says of a body that breaks off is no exception of requests.
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as fault:
        raise Refused(0) from fault
    if len(text) > MOST_ANSWER:
        raise Refused(0)
    if not 200 <= status < 300:
        # A redirect is no answer of an API.
        raise Refused(status if status >= 400 else 0, sentence(text))
    return Answer(kind, text)


def sentence(body):
    """Give what a service says is wrong, in the forms of Kerbside and of Nova; empty when it is neither."""
    try:
        said = json.loads(body)
        if "errors" in said:
            return one_line(said["errors"][0]["detail"])
        return one_line(next(iter(said.values()))["message"])
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError):
        return ""


def one_line(text):
    """Give a service's sentence as one line of a bearable length."""
    return " ".join(str(text).split())[:300]
