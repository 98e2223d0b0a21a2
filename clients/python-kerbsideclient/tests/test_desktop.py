# SPDX-License-Identifier: Apache-2.0
"""openstack console desktop open, as a user types it."""

import json
import os
import signal
import ssl
import stat
import subprocess
import unittest
from pathlib import Path

from tests.cloud import SERVER, TOKEN, UNKNOWN, VV_FILE, Cloud
from tests.harness import CommandCase, openstack


class DesktopTest(CommandCase):
    """console desktop open"""

    def test_save(self):
        path = self.folder / "console.vv"
        self.good("console", "desktop", "open", "windows-desktop", "--save", str(path))
        self.assertEqual(path.read_bytes(), VV_FILE)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        _, _, _, headers, body = self.cloud.asked("POST", "/v1/consoles")[0]
        self.assertEqual(json.loads(body), {"instance_uuid": SERVER})
        self.assertEqual(headers["X-Auth-Token"], TOKEN)
        self.assertEqual(headers["OpenStack-API-Version"], "console 1.0")

    def test_save_replaces_a_file_that_others_may_read(self):
        path = self.folder / "console.vv"
        path.write_text("old")
        path.chmod(0o644)
        self.good("console", "desktop", "open", SERVER, "--save", str(path))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual([entry.name for entry in self.folder.iterdir()], ["console.vv"])

    def test_save_to_standard_output(self):
        self.assertEqual(self.good("console", "desktop", "open", SERVER, "--save", "-").data, VV_FILE)

    def test_save_to_a_folder_leaves_nothing_behind(self):
        self.bad("cannot be written: Is a directory", "console", "desktop", "open", SERVER, "--save", str(self.folder))
        self.assertEqual(list(self.folder.rglob("*")), [])

    def test_save_to_a_pipe_writes_to_it(self):
        path = self.folder / "pipe"
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.good("console", "desktop", "open", SERVER, "--save", str(path))
        self.assertEqual(os.read(reader, 4096), VV_FILE)
        self.assertTrue(path.is_fifo())

    def test_answer_that_is_no_vv_file(self):
        path = self.folder / "console.vv"
        self.cloud.faults["/v1/consoles"] = (200, b"<html>Please log in</html>")
        words = ["console", "desktop", "open", SERVER, "--save", str(path)]
        self.bad("/v1/consoles answered with something that is not of the console service", *words)
        self.assertFalse(path.exists())

    def test_save_where_nobody_can_write(self):
        self.bad("cannot be written", "console", "desktop", "open", SERVER, "--save", str(self.folder / "no" / "vv"))

    def test_viewer_gets_the_file_and_it_is_removed(self):
        copy = self.folder / "copy"
        self.program("remote-viewer", f'cp "$1" {copy}; stat -c %a "$1" > {copy}.mode; echo "$1" > {copy}.path')
        self.good("console", "desktop", "open", "windows-desktop")
        self.assertEqual(copy.read_bytes(), VV_FILE)
        self.assertEqual(Path(f"{copy}.mode").read_text(), "600\n")
        self.assertFalse(Path(Path(f"{copy}.path").read_text().strip()).exists())

    def test_viewer_may_remove_the_file_itself(self):
        self.program("remote-viewer", 'rm "$1"')
        self.good("console", "desktop", "open", "windows-desktop")

    def test_viewer_that_fails(self):
        self.program("remote-viewer", "exit 3")
        self.bad("remote-viewer ended with status 3", "console", "desktop", "open", SERVER)

    def test_viewer_that_cannot_be_run(self):
        viewer = self.program("remote-viewer", "")
        viewer.write_text("#!/no/such/interpreter\n")
        self.bad("cannot be run: No such file", "console", "desktop", "open", SERVER)

    def test_what_ends_the_command_leaves_no_file(self):
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            with self.subTest(signal=number):
                seen = self.folder / f"seen-{number}"
                self.program("remote-viewer", f'echo "$1" > {seen}.new; mv {seen}.new {seen}; exec sleep 600')

                def end(process, seen=seen, number=number):
                    self.wait_for(seen.exists)
                    # As a terminal does it: the viewer is told as well.
                    os.killpg(process, number)

                outcome = openstack("console", "desktop", "open", SERVER, meanwhile=end)
                self.assertNotEqual(outcome.status, 0)
                self.assertNotIn("Traceback", outcome.errors)
                self.assertFalse(Path(seen.read_text().strip()).parent.exists())

    def test_viewer_that_is_missing_costs_no_token(self):
        self.bad("is not installed", "console", "desktop", "open", SERVER, "--viewer", "no-such-viewer")
        self.assertEqual(self.cloud.asked("POST", "/v1/consoles"), [])

    def test_browser(self):
        seen = self.folder / "url"
        browser = self.program("a-browser", f'echo "$1" > {seen}')
        self.setting("BROWSER", f"{browser} %s")
        self.good("console", "desktop", "open", SERVER, "--html5")
        self.assertEqual(seen.read_text().strip(), f"{self.cloud.base}/spice_auto.html?token=t1")
        _, _, _, headers, _ = self.cloud.asked("POST", f"/compute/v2.1/servers/{SERVER}/remote-consoles")[0]
        self.assertEqual(headers["OpenStack-API-Version"], "compute 2.6")

    def test_browser_of_a_cloud_without_such_consoles(self):
        path = f"/compute/v2.1/servers/{SERVER}/remote-consoles"
        self.cloud.faults[path] = (400, {"badRequest": {"code": 400, "message": "Unavailable console type"}})
        self.bad("Nova has no console for a browser", "console", "desktop", "open", SERVER, "--html5")

    def test_browser_gets_web_pages_only(self):
        path = f"/compute/v2.1/servers/{SERVER}/remote-consoles"
        self.cloud.faults[path] = (200, {"remote_console": {"url": "file:///etc/passwd"}})
        self.bad("none that a browser opens", "console", "desktop", "open", SERVER, "--html5")

    def test_browser_and_source_exclude_each_other(self):
        words = ["--html5", "--source", "RegionTwo"]
        self.bad("--source goes with .vv files", "console", "desktop", "open", SERVER, *words)

    def test_no_browser(self):
        self.setting("BROWSER", "/no/such/browser")
        self.setting("PATH", str(self.folder))
        self.bad("there is no browser to open", "console", "desktop", "open", SERVER, "--html5")

    def test_id_of_a_server_that_nova_does_not_know(self):
        self.bad("instance not found (HTTP 404, req-1234)", "console", "desktop", "open", UNKNOWN, "--save", "-")
        self.assertEqual([path for _, path, *_ in self.cloud.requests if path.startswith("/compute")], [])

    def test_source_is_passed_on(self):
        self.good("console", "desktop", "open", SERVER, "--source", "RegionTwo", "--save", "-")
        self.assertEqual(json.loads(self.cloud.asked("POST", "/v1/consoles")[0][4])["source"], "RegionTwo")

    def test_unknown_server(self):
        self.bad("No Server found for nobody", "console", "desktop", "open", "nobody", "--save", "-")

    def test_stopped_server(self):
        errors = {"errors": [{"status": 409, "detail": "the instance is stopped", "request_id": "req-7"}]}
        self.cloud.faults["/v1/consoles"] = (409, errors)
        self.bad("the instance is stopped", "console", "desktop", "open", SERVER, "--save", "-")

    def test_cloud_without_kerbside(self):
        self.cloud.has_console = False
        self.bad("kerbside-manage service register", "console", "desktop", "open", SERVER, "--save", "-")


class TlsTest(CommandCase):
    """A cloud whose certificate no public CA has signed"""

    def setUp(self):
        super().setUp()
        self.certificate, key = self.folder / "ca.pem", self.folder / "key.pem"
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test"]
        files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.certificate]
        subprocess.run(["openssl", "req", "-x509", *kind, *files], check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.start(Cloud(context))

    def test_ca_that_is_named(self):
        words = ["--os-cacert", str(self.certificate), "console", "desktop", "open", "windows-desktop", "--save", "-"]
        self.assertEqual(self.good(*words).data, VV_FILE)

    def test_insecure(self):
        self.assertEqual(self.good("--insecure", "console", "desktop", "open", SERVER, "--save", "-").data, VV_FILE)

    def test_ca_that_is_unknown(self):
        self.bad("SSL", "console", "desktop", "open", SERVER, "--save", "-")
        self.assertEqual(self.cloud.requests, [])


if __name__ == "__main__":
    unittest.main()
