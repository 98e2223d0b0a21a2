# SPDX-License-Identifier: Apache-2.0
"""What opening a desktop asks of whom, and what users are told when it does not work."""

import types
import unittest

from horizon_kerbside import desktop
from horizon_kerbside import services
from tests import cloud

CONSOLES = "POST /v1/consoles"
REMOTE = f"POST /servers/{cloud.INSTANCE}/remote-consoles"


def fault(status, detail):
    """Give an error of Kerbside."""
    return {"errors": [{"status": status, "detail": detail, "code": "kerbside.fault", "title": "", "links": []}]}


class DesktopTest(unittest.TestCase):
    """With a Kerbside and a Nova in the catalog."""

    def setUp(self):
        self.kerbside, self.nova = cloud.Service(), cloud.Service()
        self.addCleanup(self.kerbside.close)
        self.addCleanup(self.nova.close)
        self.request = cloud.request(console=self.kerbside.url, compute=self.nova.url)

    def refused(self, open_desktop=desktop.native, request=None):
        """Give what the user is told."""
        with self.assertRaises(desktop.Closed) as raised:
            open_desktop(request or self.request, cloud.INSTANCE)
        return raised.exception

    def versions(self, newest):
        """Have Kerbside speak versions up to this one."""
        self.kerbside.on("GET /v1/", 200, {"versions": [{"id": "v1.0", "max_version": newest, "min_version": "1.0"}]})

    def remote(self, url):
        """Have Nova make this URL."""
        self.nova.on(REMOTE, 200, {"remote_console": {"protocol": "spice", "type": "x", "url": url}})

    def test_native_is_the_file_of_kerbside_for_the_users_token(self):
        self.kerbside.on(CONSOLES, 201, cloud.VV_FILE, cloud.VIRT_VIEWER)
        self.assertEqual(desktop.native(self.request, cloud.INSTANCE), cloud.VV_FILE)
        [(headers, body)] = self.kerbside.asked(CONSOLES)
        self.assertEqual(headers["X-Auth-Token"], cloud.TOKEN)
        self.assertEqual(headers["Accept"], "application/x-virt-viewer")
        self.assertEqual(body, {"instance_uuid": cloud.INSTANCE})
        self.assertEqual(self.nova.requests, [])

    def test_taking_over_asks_for_it_in_the_version_that_has_it(self):
        self.kerbside.on(CONSOLES, 201, cloud.VV_FILE, cloud.VIRT_VIEWER)
        desktop.native(self.request, cloud.INSTANCE, replace=True)
        [(headers, body)] = self.kerbside.asked(CONSOLES)
        self.assertEqual(headers["OpenStack-API-Version"], "console 1.5")
        self.assertEqual(body, {"instance_uuid": cloud.INSTANCE, "replace": True})

    def test_an_endpoint_of_a_version_or_with_a_slash_is_the_same(self):
        self.kerbside.on(CONSOLES, 201, cloud.VV_FILE, cloud.VIRT_VIEWER)
        for end in ("/", "/v1", "/v1/"):
            request = cloud.request(console=self.kerbside.url + end)
            self.assertEqual(desktop.native(request, cloud.INSTANCE), cloud.VV_FILE)

    def test_a_browser_gets_the_url_of_a_kerbside_that_has_one(self):
        self.versions("1.9")
        url = "https://console.example.com/spice_auto.html?token=x"
        links = [{"rel": "self", "href": "x"}, {"rel": "console_browser", "href": url}]
        self.kerbside.on(CONSOLES, 201, {"console": {"links": links}})
        self.assertEqual(desktop.browser(self.request, cloud.INSTANCE), url)
        ((headers, body),) = self.kerbside.asked(CONSOLES)
        self.assertEqual(headers["OpenStack-API-Version"], "console 1.8")
        self.assertEqual(body, {"instance_uuid": cloud.INSTANCE, "type": "spice-html5"})

    def test_a_browser_gets_the_url_of_nova_where_kerbside_gives_none(self):
        self.remote("http://127.0.0.1:6082/spice_auto.html?token=x")
        self.versions("1.6")
        self.assertTrue(desktop.browser(self.request, cloud.INSTANCE).endswith("spice_auto.html?token=x"))
        self.assertEqual(self.kerbside.asked(CONSOLES), [])
        self.versions("1.8")
        self.kerbside.on(CONSOLES, 201, {"console": {"links": []}})
        self.assertTrue(desktop.browser(self.request, cloud.INSTANCE).endswith("spice_auto.html?token=x"))
        headers, body = self.nova.asked(REMOTE)[-1]
        self.assertEqual(headers["OpenStack-API-Version"], "compute 2.6")
        self.assertEqual(body, {"remote_console": {"protocol": "spice", "type": "spice-html5"}})

    def test_without_kerbside_nova_makes_the_url_of_the_file(self):
        self.remote("https://kerbside.example.com/nova?token=x")
        request = cloud.request(compute=self.nova.url)
        self.assertEqual(desktop.native(request, cloud.INSTANCE), "https://kerbside.example.com/nova?token=x")
        [(headers, body)] = self.nova.asked(REMOTE)
        self.assertEqual(headers["OpenStack-API-Version"], "compute 2.99")
        self.assertEqual(headers["X-Auth-Token"], cloud.TOKEN)
        self.assertEqual(body, {"remote_console": {"protocol": "spice", "type": "spice-direct"}})

    def test_a_nova_that_is_too_old_or_has_no_spice_is_named(self):
        request = cloud.request(compute=self.nova.url)
        for status in (400, 406):
            self.nova.on(REMOTE, status, {"badRequest": {"code": status, "message": "Unavailable console type"}})
            self.assertEqual(self.refused(request=request).message, desktop.NO_NATIVE)
            self.assertEqual(self.refused(desktop.browser, request).message, desktop.NO_BROWSER)

    def test_what_nova_says_of_a_stopped_instance_is_no_fault_of_the_service(self):
        self.nova.on(REMOTE, 500, {"computeFault": {"code": 500, "message": "Unexpected API Error."}})
        self.assertEqual(self.refused(request=cloud.request(compute=self.nova.url)).message, desktop.UNREADY_OTHERWISE)

    def test_a_desktop_that_another_session_has_is_told_apart(self):
        self.kerbside.on(CONSOLES, 409, fault(409, "console in use"))
        self.assertTrue(self.refused().in_use)
        self.kerbside.on(CONSOLES, 409, fault(409, "the instance is SHUTOFF; start it"))
        closed = self.refused()
        self.assertFalse(closed.in_use)
        self.assertIn("the instance is SHUTOFF; start it", closed.message)

    def test_each_refusal_has_its_words(self):
        for status in (401, 403, 404, 501):
            self.kerbside.on(CONSOLES, status, fault(status, "x"))
            self.assertEqual(self.refused().message, desktop.REASONS[status])
        self.kerbside.on(CONSOLES, 503, fault(503, "Nova does not answer"))
        self.assertIn("Nova does not answer", self.refused().message)
        self.kerbside.on(CONSOLES, 500, b"<html>Internal Server Error</html>")
        self.assertEqual(self.refused().message, desktop.SILENT)

    def test_what_is_no_answer_of_kerbside_is_not_passed_on(self):
        login_page = {"Content-Type": "text/html"}
        for status, content, headers in (
            (200, b"<form>Sign in</form>", login_page),
            (200, b"x" * (services.MOST_ANSWER + 1), cloud.VIRT_VIEWER),
            (302, b"", {"Location": f"{self.nova.url}/elsewhere"}),
        ):
            self.kerbside.on(CONSOLES, status, content, headers)
            self.assertEqual(self.refused().message, desktop.SILENT)
        # The token has gone nowhere else.
        self.assertEqual(self.nova.requests, [])

    def test_a_service_that_is_away_is_said_to_be(self):
        self.kerbside.close()
        self.assertEqual(self.refused().message, desktop.SILENT)
        self.assertEqual(self.refused(desktop.browser).message, desktop.SILENT)

    def test_versions_that_are_none_are_no_answer(self):
        for content in (b"[]", b"{}", b'{"versions": [{"max_version": 1}]}', b'{"versions": []}', b"\xff", b'"x"'):
            self.kerbside.on("GET /v1/", 200, content)
            self.assertEqual(self.refused(desktop.browser).message, desktop.SILENT)

    def test_a_url_that_no_browser_may_be_sent_to_is_not_passed_on(self):
        request = cloud.request(compute=self.nova.url)
        for url in ("javascript:alert(1)", "file:///etc/passwd", "//", "", None, 7, "http://"):
            self.remote(url)
            self.assertEqual(self.refused(desktop.browser, request).message, desktop.SILENT)


class ReadinessTest(unittest.TestCase):
    """Instances as Nova tells of them."""

    def test_an_instance_that_runs_has_a_desktop(self):
        for status in ("ACTIVE", "PAUSED", "RESCUE"):
            self.assertIsNone(desktop.unready(instance(status)))

    def test_every_other_state_says_what_to_do(self):
        for status, words in (("SHUTOFF", "Start it"), ("SUSPENDED", "Resume it"), ("NEVER_HEARD", "not ready")):
            self.assertIn(words, str(desktop.unready(instance(status))))

    def test_an_instance_that_moves_or_goes_waits(self):
        for task in ("migrating", "deleting"):
            self.assertEqual(desktop.unready(instance("ACTIVE", task)), desktop.MOVED)


def instance(status, task=None):
    """Give an instance as Horizon has it."""
    return types.SimpleNamespace(status=status, tenant_id="p", **{"OS-EXT-STS:task_state": task})
