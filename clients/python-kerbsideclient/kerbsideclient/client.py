# SPDX-License-Identifier: Apache-2.0
"""Kerbside's REST service, version 1, through a session of keystoneauth1."""

from urllib.parse import parse_qs, quote, urlsplit

from keystoneauth1 import exceptions

SERVICE_TYPE = "console"
#: Media type of the files that remote-viewer opens.
VIRT_VIEWER = "application/x-virt-viewer"
#: How such a file begins.
VV_BEGIN = b"[virt-viewer]"


class StrangeAnswer(exceptions.ClientException):
    """The answer is none of Kerbside's: something else listens where the catalog points, or stands in between."""

    def __init__(self, response):
        super().__init__(
            f"{response.url.split('?')[0]} answered with something that is not of the console service; is the endpoint "
            "in the catalog right, and does no login page of a proxy stand in front of it?"
        )


class TooOld(exceptions.ClientException):
    """The service has answered in a version that knows less than was asked for: it has left a part of it unread."""

    def __init__(self, needs, answered):
        super().__init__(
            f"this search needs version 1.{needs} of the console service, which has answered in version 1.{answered}"
        )


class Client:
    """The calls that the commands need.

    :param session: keystoneauth1 session, already logged in
    :param microversion: such as ``1.0``, or ``latest``
    :param pinned: whether the user asks for that version; else listings that older versions know less of ask for the
        newest
    :param region_name: of the catalog; None for any
    :param interface: public, internal or admin
    """

    def __init__(self, session, microversion, region_name=None, interface="public", pinned=True):
        self._session = session
        self._pinned = pinned
        #: The version that is asked for, such as ``1.0``.
        self.microversion = microversion
        self._filter = {
            "service_type": SERVICE_TYPE,
            "interface": interface,
            "region_name": region_name,
        }

    def desktop(self, instance_uuid, source=None):
        """Open a console; give the bytes of its .vv file, which hold a password that works once."""
        body = {"instance_uuid": instance_uuid}
        if source is not None:
            body["source"] = source
        response = self._request("POST", "/v1/consoles", json=body, headers={"Accept": VIRT_VIEWER})
        if not response.content.startswith(VV_BEGIN):
            raise StrangeAnswer(response)
        return response.content

    def consoles(self, needs=0, **query):
        """Give consoles; see :meth:`pages` for the query. All that is known of one in the newest version."""
        return self.pages("consoles", query, microversion=self._newest, needs=needs)

    def console(self, source, instance_uuid):
        """Give one console; with its guest data policy since microversion 1.4."""
        path = f"/v1/consoles/{quoted(source)}/{quoted(instance_uuid)}"
        return self._read(path, "console", microversion=self._newest)["console"]

    def sessions(self, needs=0, **query):
        """Give sessions; see :meth:`pages` for the query."""
        return self.pages("sessions", query, microversion=self._newest if needs else None, needs=needs)

    def session(self, session_id):
        """Give one session."""
        return self._read(f"/v1/sessions/{quoted(session_id)}", "session")["session"]

    def end_session(self, session_id):
        """End a session for good."""
        self._request("DELETE", f"/v1/sessions/{quoted(session_id)}")

    def connections(self, **query):
        """Give channels of sessions."""
        return self.pages("connections", query)

    def sources(self, **query):
        """Give the platforms that consoles come from."""
        return self.pages("sources", query)

    def services(self, **query):
        """Give the processes of Kerbside itself; needs microversion 1.1."""
        return self.pages("services", query)

    def audit_events(self, needs=0, **query):
        """Give audit events, newest first; who, from where and by whom since microversion 1.2."""
        return self.pages("audit-events", query, key="audit_events", microversion=self._newest, needs=needs)

    @property
    def _newest(self):
        """The version that the user asks for, else the newest."""
        return self.microversion if self._pinned else "latest"

    def pages(self, collection, query, key=None, microversion=None, needs=0):
        """Yield the entries of a collection, page after page.

        :param query: filters, ``marker``, and ``limit``: how many entries in all; None entries are left out
        :param microversion: another one than this client's
        :param needs: the minor version that all of the query needs
        :raises TooOld: when the service has answered in an older one
        """
        key = key or collection
        left = query.get("limit")
        params = {name: value for name, value in query.items() if value is not None}
        while left is None or left > 0:
            if left is not None:
                params["limit"] = left
            body = self._read(f"/v1/{collection}", key, needs, params=params, microversion=microversion)
            entries = body[key] if left is None else body[key][:left]
            yield from entries
            marker = next_marker(body.get(f"{key}_links", []))
            if marker is None or not entries:
                return
            params["marker"] = marker
            left = None if left is None else left - len(entries)

    def _read(self, path, key, needs=0, **kwargs):
        """Give the JSON object at a path, which has that member and is in that minor version or later."""
        response = self._request("GET", path, **kwargs)
        try:
            body = response.json()
        except ValueError as error:
            raise StrangeAnswer(response) from error
        if not isinstance(body, dict) or key not in body:
            raise StrangeAnswer(response)
        answered = minor_of(response)
        if answered < needs:
            raise TooOld(needs, answered)
        return body

    def _request(self, method, path, microversion=None, **kwargs):
        headers = {"Accept": "application/json", **kwargs.pop("headers", {})}
        return self._session.request(
            path,
            method,
            endpoint_filter=self._filter,
            headers=headers,
            microversion=microversion or self.microversion,
            microversion_service_type=SERVICE_TYPE,
            **kwargs,
        )


def minor_of(response):
    """Give the minor version that an answer is in; 0 when it names none."""
    _, _, version = response.headers.get("OpenStack-API-Version", "").partition(f"{SERVICE_TYPE} 1.")
    return int(version) if version.isdecimal() else 0


def next_marker(links):
    """Give the marker of the link to the next page; None when this page is the last."""
    for link in links:
        if link.get("rel") == "next":
            return parse_qs(urlsplit(link["href"]).query).get("marker", [None])[0]
    return None


def quoted(segment):
    """Give a text as one segment of a path."""
    return quote(segment, safe="")


def explain(error):
    """Give one sentence for a fault of keystoneauth1, with the request id where there is one."""
    if isinstance(error, exceptions.EndpointNotFound):
        return (
            f"the catalog has no service of type {SERVICE_TYPE}; an administrator makes it with "
            '"kerbside-manage service register"'
        )
    detail = detail_of(getattr(error, "response", None))
    if detail is None:
        return f"{error}"
    request_id = getattr(error, "request_id", None)
    return detail if request_id is None else f"{detail} (HTTP {error.http_status}, {request_id})"


def detail_of(response):
    """Give the sentence of an error body; None when the answer has none. Old versions of keystoneauth1 leave it out."""
    try:
        return response.json()["errors"][0]["detail"]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
